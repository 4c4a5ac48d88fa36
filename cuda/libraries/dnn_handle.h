// What everything that runs on cuDNN shares: its handle on a device, its types, its errors. For files that
// are compiled with cuDNN's headers.
#pragma once

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/cuda/libraries/cudnn_table.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Throws CudaError naming `op` unless the call succeeded.
void check_dnn(cudnnStatus_t status, const char* op);

cudnnDataType_t data_type(DType type);
/// The arithmetic that the setting of the precision allows.
cudnnMathType_t math_type(DType type, MatmulPrecision precision);

/// cuDNN is set up by the first use of a device and never taken down, as the device itself.
class DnnHandle {
  public:
    /// The handle, on the stream of `device`, which is made current.
    /// errors: CudaError naming `op`.
    cudnnHandle_t on(const DeviceState& device, const char* op);

  private:
    cudnnHandle_t handle_ = nullptr;
    Stream stream_ = nullptr;
};

}  // namespace adjoint::cuda_backend
