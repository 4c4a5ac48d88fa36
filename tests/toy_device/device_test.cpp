// The cases of any device on the toy: sizes and corners that the operator table has not.
#include <gtest/gtest.h>

#include "device/cases.h"
#include "toy_device.h"

namespace adjoint {
namespace {

class ToyDevice : public testing::TestWithParam<DeviceCase> {};

TEST_P(ToyDevice, Case) { GetParam().check(toy_device()); }

INSTANTIATE_TEST_SUITE_P(Cases, ToyDevice, testing::ValuesIn(device_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint
