// Captured steps on the CPU, which calls them by its own list: the cases of any device, and its memory.
#include <gtest/gtest.h>

#include <sstream>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/sanitizer.h>
#include <adjoint/core/memory/host_memory.h>

#include "device/cases.h"

namespace adjoint {
namespace {

class Capture : public testing::TestWithParam<DeviceCase> {};

TEST_P(Capture, OnTheCpu) { GetParam().check(Device::cpu()); }

INSTANTIATE_TEST_SUITE_P(Cases, Capture, testing::ValuesIn(capture_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

INSTANTIATE_TEST_SUITE_P(Chains, Capture, testing::ValuesIn(chain_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

INSTANTIATE_TEST_SUITE_P(Batches, Capture, testing::ValuesIn(batch_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

INSTANTIATE_TEST_SUITE_P(Fit, Capture, testing::ValuesIn(fit_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

TEST(CaptureOnTheCpu, ReplaysTakeNoMemoryFromTheSystem) {
#if ADJOINT_ADDRESS_SANITIZER
    GTEST_SKIP() << "under AddressSanitizer every block comes from the system";
#endif
    const nn::Sequential model(nn::Linear(6, 8), nn::ReLU(), nn::Linear(8, 3));
    optim::Adam optimizer(model.parameters());
    const Tensor x = ones({5, 6});
    const Captured step = capture([&] {
        optimizer.zero_grad();
        sum(model(x)).backward();
        optimizer.step();
    });
    step.replay();
    const std::int64_t before = host_memory_stats().system_calls;
    step.replay(50);
    EXPECT_EQ(host_memory_stats().system_calls, before);
}

// The names of a recorded step's calls: what stands between number and colon of each line.
std::vector<std::string> names_of(const Captured& step) {
    std::vector<std::string> names;
    std::istringstream lines(step.describe());
    for (std::string line; std::getline(lines, line);) names.push_back(line.substr(5, line.find(':') - 5));
    return names;
}

TEST(RecordedCalls, AStepOfAnMlpIsTheseCalls) {
    const nn::Sequential model(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                               nn::Linear(64, 10));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const Tensor x = rand({64, 784}), y = zeros({64}, {.dtype = i64});
    Tensor loss;
    const auto once = [&] {
        optimizer.zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
    };
    const Captured step = capture(once, {.optimize = false});
    EXPECT_EQ(names_of(step),
              (std::vector<std::string>{
                  "matmul 64 x 784 x 128 + bias, relu", "matmul 64 x 128 x 64 + bias, relu",
                  "matmul 64 x 64 x 10 + bias", "cross_entropy",  // with its gradient
                  "linear_backward", "linear_backward relu", "linear_backward relu", "update sgd"}));
    EXPECT_EQ(step.calls(), 8);
    EXPECT_EQ(names_of(capture(once)).back(), "linear_backward + update sgd");
}

TEST(RecordedCalls, AStepOfFitGathersItsBatchAndCountsItsResults) {
    const data::Dataset set =
        data::images({.images = zeros({640, 28, 28}, {.dtype = u8}), .labels = zeros({640}, {.dtype = u8})});
    const nn::Sequential model(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                               nn::Linear(64, 10));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    testing::internal::CaptureStderr();
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
               {.epochs = 1, .batch_size = 64, .verbose = true, .capture = train::CaptureMode::on});
    // take_rows, the step above with the update in its first layer's backward pass, and tally.
    EXPECT_NE(testing::internal::GetCapturedStderr().find("captured on cpu, 9 calls each"),
              std::string::npos);
}

TEST(RecordedCalls, AConstantBecomesPartOfTheCallThatReadsIt) {
    const Tensor x = rand({4}), w = ones({4}).set_requires_grad(true);
    const auto once = [&] {
        w.set_grad({});
        sum(w * x).backward();
    };
    // The gradient of the sum is 1.
    EXPECT_EQ(names_of(capture(once, {.optimize = false})),
              (std::vector<std::string>{"zip mul", "reduce sum", "fill", "zip mul"}));
    EXPECT_EQ(names_of(capture(once)), (std::vector<std::string>{"map copy"}));
}

TEST(RecordedCalls, AreDescribedWithWhatTheyReadAndWrite) {
    const Tensor a = ones({4, 3}), b = ones({3}), places = tensor<std::int64_t>({0, 2}, {2});
    const auto once = [&] {
        const Tensor s = dropout(sigmoid(a) + b, 0.5);
        index_select(s, 0, places).copy_(zeros({2, 3}));
        a.copy_(cumsum(s, 1).to(f64));
    };
    EXPECT_EQ(
        capture(once, {.optimize = false}).describe(),
        "  0  map sigmoid: #0 f32[12] of #1 f32[12]\n"
        "  1  zip add: #2 f32[4x3] of #0 f32[4x3], #3 f32[1x3]; after 0\n"
        "  2  dropout: #4 f32[12] of #2 f32[12]; after 1\n"
        "  3  gather: #0 f32[2x3] of #4 f32[1x3], #5 i64[2x1]; after 2\n"  // sigmoid's memory is free by now
        "  4  fill: #2 f32[6]; after 2\n"
        "  5  map copy: #0 f32[6] of #2 f32[6]; after 3, 4\n"
        "  6  scan sum: #0 f32[12] of #4 f32[12]; after 5\n"
        "  7  map copy: #6 f64[12] of #0 f32[12]; after 6\n"
        "  8  map copy: #2 f32[12] of #6 f64[12]; after 7\n"
        "  9  map copy: #1 f32[12] of #2 f32[12]; after 8\n");
    // Nobody sees what was copied into the selection; a copy and its copy back are one call.
    EXPECT_EQ(capture(once).describe(),
              "  0  chain sigmoid, add: #0 f32[12] of #1 f32[12], #2 f32[1x3]\n"
              "  1  dropout: #3 f32[12] of #0 f32[12]; after 0\n"
              "  2  scan sum: #4 f32[12] of #3 f32[12]; after 1\n"
              "  3  chain copy: #0 f32[12] of #4 f32[12]; after 2\n"
              "  4  map copy: #1 f32[12] of #0 f32[12]; after 3\n");
}

}  // namespace
}  // namespace adjoint
