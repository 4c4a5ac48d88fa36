// The runtime side on a real device; skipped where there is none.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/cuda/libraries/dnn.h>
#include <adjoint/cuda/runtime/context.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

using namespace adjoint;

namespace {

const Device gpu = Device::cuda(0);

class OnDevice : public testing::Test {
  protected:
    void SetUp() override {
        if (!cuda::is_available()) GTEST_SKIP() << cuda::unavailable_reason();
    }
};

double distance(const Tensor& x, const Tensor& y) {
    const std::vector<double> a = x.to(f64).to_vector<double>(), b = y.to(f64).to_vector<double>();
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return std::sqrt(difference / (norm > 0 ? norm : 1));
}

}  // namespace

TEST_F(OnDevice, BytesComeBackAsTheyWent) {
    Backend& device = backend(gpu);
    std::mt19937 random(1);
    constexpr std::size_t buffer = std::size_t{4} << 20;
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{63}, buffer - 1, buffer, 5 * buffer + 3}) {
        std::vector<unsigned char> there(bytes), back(bytes);
        for (unsigned char& byte : there) byte = static_cast<unsigned char>(random());
        void* memory = device.allocate(bytes);
        device.run(call::Upload{memory, there.data(), bytes});
        device.copy_to_host(back.data(), memory, bytes);
        device.release(memory, bytes);
        EXPECT_EQ(there == back, true) << bytes;
    }
}

TEST_F(OnDevice, CountsWaits) {
    Backend& device = backend(gpu);
    void* memory = device.allocate(4);
    const std::int64_t before = cuda::sync_count();
    float value = 1;
    device.run(call::Upload{memory, &value, 4});
    EXPECT_EQ(cuda::sync_count(), before);
    device.copy_to_host(&value, memory, 4);
    EXPECT_EQ(cuda::sync_count(), before + 1);
    cuda::synchronize(gpu);
    EXPECT_EQ(cuda::sync_count(), before + 2);
    device.release(memory, 4);
}

TEST_F(OnDevice, RunsOutOfMemoryAndGoesOn) {
    Backend& device = backend(gpu);
    const auto total = static_cast<std::size_t>(cuda::properties(gpu).memory);
    EXPECT_THROW(device.allocate(2 * total), OutOfMemoryError);
    void* memory = device.allocate(1 << 20);
    device.release(memory, 1 << 20);
    EXPECT_GE(cuda::memory_stats(gpu).peak, 1 << 20);
}

TEST_F(OnDevice, ProductsOfAllLayoutsEqualTheCpus) {
    manual_seed(1);
    for (const DType type : {f32, f64, f16, bf16})
        for (const bool transpose_a : {false, true})
            for (const bool transpose_b : {false, true})
                for (const std::int64_t n : {1, 10, 33}) {
                    const auto make = [&](std::int64_t rows, std::int64_t columns, bool turned) {
                        const Tensor x =
                            turned ? transpose(randn({3, columns, rows}), 1, 2) : randn({3, rows, columns});
                        return x.to(type);
                    };
                    const Tensor a = make(17, 64, transpose_a), b = make(64, n, transpose_b);
                    const Tensor expected = matmul(a.to(f64), b.to(f64));
                    const Tensor got = matmul(a.to(gpu), b.to(gpu)).to(Device::cpu());
                    const double tolerance = type == f64   ? 1e-14
                                             : type == f32 ? 1e-6
                                             : type == f16 ? 1e-3
                                                           : 8e-3;
                    EXPECT_LT(distance(got, expected), tolerance)
                        << name(type) << transpose_a << transpose_b << n;
                }
}

TEST_F(OnDevice, ABiasIsAddedToEveryRow) {
    manual_seed(2);
    for (const DType type : {f32, f64, f16}) {
        const Tensor x = randn({20, 30}).to(type), w = randn({7, 30}).to(type), b = randn({7}).to(type);
        const Tensor expected = linear(x.to(f64), w.to(f64), b.to(f64));
        const Tensor got = linear(x.to(gpu), w.to(gpu), b.to(gpu)).to(Device::cpu());
        EXPECT_LT(distance(got, expected), type == f64 ? 1e-14 : type == f32 ? 1e-6 : 1e-3) << name(type);
    }
}

TEST_F(OnDevice, PrecisionIsWhatIsSet) {
    // Our own kernel, which serves where cuBLASLt is missing, knows one precision.
    if (const std::string problem = cuda::software().cublaslt.problem; !problem.empty())
        GTEST_SKIP() << problem;
    manual_seed(3);
    const Tensor a = randn({256, 256}), b = randn({256, 256});
    const Tensor expected = matmul(a.to(f64), b.to(f64));
    const Tensor da = a.to(gpu), db = b.to(gpu);
    const auto error = [&](MatmulPrecision precision) {
        set_matmul_precision(precision);
        const double result = distance(matmul(da, db).to(Device::cpu()), expected);
        set_matmul_precision(MatmulPrecision::highest);
        return result;
    };
    EXPECT_LT(error(MatmulPrecision::highest), 1e-6);
    const double high = error(MatmulPrecision::high), medium = error(MatmulPrecision::medium);
    EXPECT_GT(high, 1e-5);
    EXPECT_LT(high, 1e-3);
    EXPECT_GT(medium, high);
    EXPECT_LT(medium, 1e-2);
}

TEST_F(OnDevice, ConvolutionsEqualTheCpus) {
    manual_seed(4);
    struct Shape {
        std::int64_t channels, filters, size, kernel, stride, padding, dilation, groups;
    };
    cuda_backend::Context& device = cuda_backend::start_context(0);
    auto& convolutions = *device.convolutions;
    for (const Shape& s :
         {Shape{1, 8, 12, 3, 1, 0, 1, 1}, Shape{8, 6, 11, 3, 2, 1, 1, 2}, Shape{4, 4, 13, 3, 1, 2, 2, 1}}) {
        Convolution c;
        Windows& w = c.windows;
        const std::int64_t out = (s.size + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride + 1;
        w.batch = 5, w.channels = s.channels, c.filters = s.filters, c.groups = s.groups;
        for (int axis = 0; axis < 2; ++axis) {
            w.size[axis] = s.size, w.kernel[axis] = s.kernel, w.stride[axis] = s.stride;
            w.padding[axis] = s.padding, w.dilation[axis] = s.dilation, w.output[axis] = out;
        }
        const Tensor x = randn({5, s.channels, s.size, s.size}), g = randn({5, s.filters, out, out});
        const Tensor weight = randn({s.filters, s.channels / s.groups, s.kernel, s.kernel});
        const Tensor y = empty(g.shape()), dx = empty(x.shape()), dw = empty(weight.shape());
        const Tensor gx = x.to(gpu), gg = g.to(gpu), gw = weight.to(gpu);
        const Tensor gy = empty(g.shape(), {.device = gpu}), gdx = empty(x.shape(), {.device = gpu}),
                     gdw = empty(weight.shape(), {.device = gpu});
        const auto at = [](const Tensor& t) { return t.impl().data; };
        if (!convolutions.forward(device, c, at(gy), at(gx), at(gw)))
            GTEST_SKIP() << cuda::software().cudnn.problem;
        ASSERT_TRUE(convolutions.backward_data(device, c, at(gdx), at(gg), at(gw)));
        ASSERT_TRUE(convolutions.backward_filter(device, c, at(gdw), at(gx), at(gg)));
        cpu_backend().run(call::Convolve{at(y), at(x), at(weight), c, {}});
        cpu_backend().run(call::ConvolveInput{at(dx), at(g), at(weight), c});
        cpu_backend().run(call::ConvolveWeight{at(dw), at(x), at(g), c});
        EXPECT_LT(distance(gy.to(Device::cpu()), y), 2e-6);
        EXPECT_LT(distance(gdx.to(Device::cpu()), dx), 2e-6);
        EXPECT_LT(distance(gdw.to(Device::cpu()), dw), 2e-6);
    }
}

// Otherwise the cases of recurrent layers would only have compared operators.
TEST_F(OnDevice, RecurrentLayersAreThoseOfCudnn) {
    if (const std::string problem = cuda::software().cudnn.problem; !problem.empty()) GTEST_SKIP() << problem;
    for (const RecurrentKind kind :
         {RecurrentKind::rnn_tanh, RecurrentKind::rnn_relu, RecurrentKind::lstm, RecurrentKind::gru})
        for (const DType type : {f32, f64})
            for (const bool bias : {true, false})
                EXPECT_TRUE(backend(gpu).recurrence_reserve({.kind = kind,
                                                             .steps = 7,
                                                             .batch = 5,
                                                             .inputs = 6,
                                                             .hidden = 9,
                                                             .bias = bias,
                                                             .dtype = type}))
                    << static_cast<int>(kind) << " " << name(type) << " " << bias;
}

TEST_F(OnDevice, ReplaysTakeNoMemoryAndARecordingGivesItsBack) {
    const nn::Sequential model(nn::Linear(20, 30), nn::Dropout(0.5), nn::ReLU(), nn::Linear(30, 2));
    model.to(gpu);
    optim::Adam optimizer(model.parameters());
    const Tensor x = ones({8, 20}, {.device = gpu});
    const auto train = [&] {
        optimizer.zero_grad();
        sum(square(model(x))).backward();
        optimizer.step();
    };
    train();
    optimizer.zero_grad();
    const std::int64_t before = cuda::memory_stats(gpu).in_use;
    {
        const Captured step = capture(train, {.device = gpu});
        step.replay();
        const cuda::MemoryStats held = cuda::memory_stats(gpu);
        step.replay(200);
        EXPECT_EQ(cuda::memory_stats(gpu).in_use, held.in_use);
        EXPECT_EQ(cuda::memory_stats(gpu).system_allocations, held.system_allocations);
        optimizer.zero_grad();
    }
    EXPECT_EQ(cuda::memory_stats(gpu).in_use, before);
}

TEST_F(OnDevice, ABadLabelIsReportedAtTheNextWait) {
    const Tensor logits = zeros({4, 10}, {.device = gpu});
    const Tensor labels = tensor(std::vector<std::int64_t>{0, 1, 10, 3}, {4}).to(gpu);
    const Tensor loss = cross_entropy(logits, labels);
    try {
        loss.item<float>();
        FAIL() << "no IndexError";
    } catch (const IndexError& error) {
        EXPECT_STREQ(error.what(),
                     "cross_entropy: label 10 at index 2 is outside [0, 10); classes are counted from 0");
    }
    // It is said once, and the device goes on.
    EXPECT_EQ(zeros({1}, {.device = gpu}).item<float>(), 0);
}
