// What kernels cost where speed was asked of them: bytes at each access to device memory, and instructions.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>

#include "machine/executor.h"

namespace adjoint::ptx {
namespace {

const Device gpu = Device::cuda(0);

Tensor numbers(const Shape& shape, DType type = DType::f32) { return randn(shape, {.device = gpu}).to(type); }

/// A call, and the kernels that it launches.
struct Work {
    const char* name;
    const char* kernels;  // part of their names
    std::int64_t elements;
    double least_bytes;        // of an access, on average
    double most_instructions;  // of each element
    std::function<std::function<void()>()> prepare;
};
void PrintTo(const Work& work, std::ostream* out) { *out << work.name; }

// Runs f on the tensors that the second call gets.
template <class F, class... Tensors> std::function<void()> call(F f, Tensors... tensors) {
    return [=] { f(tensors...); };
}

template <class Optimizer, class Options> std::function<void()> step_of(Options options) {
    const Tensor p = numbers({1 << 14}).set_requires_grad();
    sum(p * p).backward();
    const auto optimizer = std::make_shared<Optimizer>(std::vector<Tensor>{p}, options);
    return [optimizer] { optimizer->step(); };
}

constexpr std::int64_t many = 1 << 14;

const Work works[] = {
    {"Relu", "packed_elements", many, 16, 32, [] { return call([](auto x) { relu(x); }, numbers({many})); }},
    {"AddF16", "packed_elements", many, 8, 70,
     [] {
         return call([](auto x, auto y) { x + y; }, numbers({many}, DType::f16), numbers({many}, DType::f16));
     }},
    {"Cast", "packed_elements", many, 12, 50,
     [] { return call([](auto x) { x.to(DType::f16); }, numbers({many})); }},
    {"AddToRows", "packed_elements", many, 16, 40,
     [] {
         return call([](auto x, auto y) { x + y; }, numbers({64, 256}), numbers({256}));
     }},
    {"AddToColumns", "packed_elements", many, 12, 42,
     [] {
         return call([](auto x, auto y) { x + y; }, numbers({64, 256}), numbers({64, 1}));
     }},
    {"Normal", "random_elements", many, 16, 120, [] { return call([] { randn({many}, {.device = gpu}); }); }},
    {"Dropout", "dropout_elements", many, 16, 60,
     [] { return call([](auto x) { dropout(x, 0.5); }, numbers({many})); }},
    {"Sum", "reduce_packs", many, 14, 18, [] { return call([](auto x) { sum(x); }, numbers({many})); }},
    {"SumOfRows", "reduce_packs", many, 14, 16,
     [] {
         return call([](auto x) { sum(x, 1); }, numbers({64, 256}));
     }},
    {"SumOfColumns", "reduce_packs_of_outputs", many, 14, 27,
     [] {
         return call([](auto x) { sum(x, 0); }, numbers({64, 256}));
     }},
    {"Adam", "update_elements", many, 16, 40, [] { return step_of<optim::Adam>(optim::AdamOptions{}); }},
    {"Sgd", "update_elements", many, 16, 18,
     [] { return step_of<optim::SGD>(optim::SGDOptions{.lr = 0.1}); }},
    {"BatchNorm", "normalise_planes", many, 13, 26,
     [] {
         const auto layer = std::make_shared<nn::BatchNorm2d>(1);
         layer->to(gpu);
         return call([layer](auto x) { (*layer)(x); }, numbers({16, 1, 32, 32}));
     }},
    {"MaxPoolBackward", "max_pool_backward", many, 6, 45,
     [] {
         const Tensor x = numbers({4, 4, 32, 32}).set_requires_grad();
         return call([](auto loss) { backward(std::vector{loss}, {.retain_graph = true}); },
                     sum(max_pool2d(x, 2)));
     }},
};

class Counts : public testing::TestWithParam<Work> {};

TEST_P(Counts, AreLow) {
    const Work& work = GetParam();
    const std::function<void()> run = work.prepare();
    cuda::synchronize(gpu);
    const KernelCount before = count_of(work.kernels);
    run();
    cuda::synchronize(gpu);
    const KernelCount done = count_of(work.kernels) - before;
    ASSERT_GE(done.launches, 1u);
    const double bytes = static_cast<double>(done.bytes) / static_cast<double>(done.accesses),
                 instructions = static_cast<double>(done.instructions) / static_cast<double>(work.elements);
    EXPECT_GE(bytes, work.least_bytes) << "at each access";
    EXPECT_LE(instructions, work.most_instructions) << "for each element";
    RecordProperty("bytes", std::to_string(bytes));
    RecordProperty("instructions", std::to_string(instructions));
}

INSTANTIATE_TEST_SUITE_P(Kernels, Counts, testing::ValuesIn(works),
                         [](const testing::TestParamInfo<Work>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint::ptx
