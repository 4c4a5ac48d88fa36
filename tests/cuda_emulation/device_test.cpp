// The cases of any device on the emulated one: with the threads in both orders, and with so few numbers of 32
// bits that what is there for more than 2^31 elements is reached.
#include <gtest/gtest.h>

#include "device/cases.h"
#include "emulated_device.h"
#include "emulator.h"

namespace adjoint {
namespace {

class EmulatedDevice : public testing::TestWithParam<DeviceCase> {
  protected:
    void SetUp() override { narrow_ = emulated_narrow(); }
    void TearDown() override {
        emulator::set_order(emulator::Order::forward);
        emulated_narrow() = narrow_;
    }

  private:
    std::int64_t narrow_ = 0;
};

TEST_P(EmulatedDevice, Forward) { GetParam().check(emulated_device()); }

TEST_P(EmulatedDevice, Reverse) {
    emulator::set_order(emulator::Order::reverse);
    GetParam().check(emulated_device());
}

TEST_P(EmulatedDevice, Beyond32Bits) {
    emulated_narrow() = 100;
    GetParam().check(emulated_device());
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedDevice, testing::ValuesIn(device_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint
