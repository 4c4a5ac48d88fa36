// The cases of any device on a real one; skipped where there is none.
#include <gtest/gtest.h>

#include <adjoint/core/cuda/cuda.h>

#include "device/cases.h"

namespace adjoint {
namespace {

class CudaDevice : public testing::TestWithParam<DeviceCase> {
  protected:
    void SetUp() override {
        if (!cuda::is_available()) GTEST_SKIP() << cuda::unavailable_reason();
    }
};

TEST_P(CudaDevice, Case) { GetParam().check(Device::cuda(0)); }

INSTANTIATE_TEST_SUITE_P(Cases, CudaDevice, testing::ValuesIn(device_cases()),
                         [](const testing::TestParamInfo<DeviceCase>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint
