// What no kernel may do, done: by kernels of our own, and by kernels of the library with an instruction less.
#include <gtest/gtest.h>

#include <cstdlib>

#include <adjoint/adjoint.h>

#include <cuda_fake_runtime/runtime/fake.h>

#include "machine/executor.h"
#include "planted_kernels.h"

namespace adjoint::ptx {
namespace {

// Every tensor has memory of its own.
[[maybe_unused]] const bool apart = setenv("ADJOINT_ALLOC", "async", 1) == 0;

constexpr int planted_count = 256;

void launch_alone(void (*launch)(cudaStream_t, float*, int)) {
    cudaStream_t stream = nullptr;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    void* data = nullptr;
    cudaMalloc(&data, planted_count * sizeof(float));
    launch(stream, static_cast<float*>(data), planted_count);
    cudaStreamSynchronize(stream);
}

class PlantedKernels : public testing::TestWithParam<PlantedKernel> {};

TEST_P(PlantedKernels, AreFound) {
    EXPECT_DEATH(launch_alone(GetParam().launch), std::string("VIOLATION: .*(") + GetParam().said + ")");
}

INSTANTIATE_TEST_SUITE_P(Faults, PlantedKernels,
                         testing::ValuesIn(planted_kernels, planted_kernels + planted_kernel_count),
                         [](const testing::TestParamInfo<PlantedKernel>& at) { return at.param.name; });

TEST(PtxMachine, RunsWhatIsRight) {
    const KernelCount before = count_of("sound");
    launch_alone(&launch_sound);
    const KernelCount now = count_of("sound") - before;
    EXPECT_EQ(now.launches, 1u);
    EXPECT_EQ(now.accesses, 6 * 128u);
    EXPECT_EQ(now.bytes, 6 * 128 * 4u);
    EXPECT_EQ(now.wide, 0u);
}

// Without the n-th line of each kernel's text that contains `words`.
std::function<std::string(std::string)> without(const std::string& words, int n) {
    return [=](std::string body) {
        std::size_t at = 0;
        for (int k = 1; (at = body.find(words, at)) != std::string::npos; ++k, ++at) {
            if (k != n) continue;
            const std::size_t first = body.rfind('\n', at) + 1;
            body.erase(first, body.find('\n', at) + 1 - first);
            break;
        }
        return body;
    };
}

// With each access of that kind so many bytes further on.
std::function<std::string(std::string)> moved(const std::string& access, int bytes) {
    return [=](std::string body) {
        for (std::size_t at = 0; (at = body.find(access, at)) != std::string::npos; ++at) {
            const std::size_t end = body.find(']', at);
            if (body.substr(at, end - at).find('+') == std::string::npos)
                body.insert(end, "+" + std::to_string(bytes));
        }
        return body;
    };
}

struct Edit {
    const char* name;
    const char* kernel;
    std::function<std::string(std::string)> change;
    const char* said;
    std::function<void(Device)> use;
};
void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }

Tensor numbers(std::initializer_list<std::int64_t> shape, Device device) {
    return randn(Shape(shape), {.device = device});
}
void wait(const Tensor& result) { result.to(Device::cpu()); }

void softmax_of_long_rows(Device device) { wait(softmax(numbers({3, 1500}, device), 1)); }
void loss_of_many_rows(Device device) {
    wait(cross_entropy(numbers({5, 1500}, device), zeros({5}, {.dtype = i64, .device = device})));
}

void relu_of_many(Device device) { wait(relu(numbers({4096}, device))); }
void product(Device device) { wait(matmul(numbers({70, 90}, device), numbers({90, 80}, device))); }
void sum_of_columns(Device device) { wait(sum(numbers({600, 64}, device), 0)); }

const Edit edits[] = {
    {"FirstBarrierOfFoldGroup", "softmax_rows", without("bar.sync", 1), "shared memory",
     softmax_of_long_rows},
    {"SecondBarrierOfFoldGroup", "cross_entropy_block", without("bar.sync", 6), "a race on shared memory",
     loss_of_many_rows},
    {"BarrierOfFoldColumns", "reduce_packs_of_outputs", without("bar.sync", 1), "shared memory",
     sum_of_columns},
    {"BarrierOfAProduct", "product", without("bar.sync", 2), "shared memory", product},
    {"ALoadFourBytesOn", "packed_elements", moved("ld.global.v4.f32", 4), "a misaligned access of 16 bytes",
     relu_of_many},
    {"AStoreOfTheNext", "packed_elements", moved("st.global.v4.f32", 16),
     "a race on device memory|out of bounds", relu_of_many},
    {"NoWaitForEarlierLaunches", "packed_elements", without("griddepcontrol.wait", 1),
     "before it has waited for earlier launches", relu_of_many},
    {"NoStore", "packed_elements", without("st.global.v4.f32", 1), "nobody has written", relu_of_many},
};

class EditedKernels : public testing::TestWithParam<Edit> {};

TEST_P(EditedKernels, AreFound) {
    const Edit& edit = GetParam();
    edit.use(Device::cuda(0));
    EXPECT_DEATH(
        {
            if (kernels().change(edit.kernel, edit.change) > 0) edit.use(Device::cuda(0));
        },
        std::string("VIOLATION: .*(") + edit.said + ")");
}

INSTANTIATE_TEST_SUITE_P(Faults, EditedKernels, testing::ValuesIn(edits),
                         [](const testing::TestParamInfo<Edit>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint::ptx
