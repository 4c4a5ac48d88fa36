// Captured steps on the CPU, which calls them by its own list: the cases of any device, and its memory.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/memory/host_memory.h>

#include "device/cases.h"

namespace adjoint {
namespace {

class Capture : public testing::TestWithParam<DeviceCase> {};

TEST_P(Capture, OnTheCpu) { GetParam().check(Device::cpu()); }

INSTANTIATE_TEST_SUITE_P(Cases, Capture, testing::ValuesIn(capture_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

INSTANTIATE_TEST_SUITE_P(Fit, Capture, testing::ValuesIn(fit_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

TEST(CaptureOnTheCpu, ReplaysTakeNoMemoryFromTheSystem) {
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

}  // namespace
}  // namespace adjoint
