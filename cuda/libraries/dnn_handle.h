// What everything that runs on cuDNN shares: its handle on a device, its types, its refusals. For files that
// are compiled with cuDNN's headers.
#pragma once

#include <string>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/cuda/libraries/cudnn_table.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Throws CudaError naming `op` unless the call succeeded.
void check_dnn(cudnnStatus_t status, const char* op);
/// A refusal that does not pass: the same question would be answered in the same way.
bool is_final(cudnnStatus_t status);
/// Says, the first time for `topic`, that cuDNN did not do something and who does it.
void tell_refusal(const char* topic, cudnnStatus_t status, const std::string& instead);

cudnnDataType_t data_type(DType type);
/// The arithmetic that the setting of the precision allows.
cudnnMathType_t math_type(DType type, MatmulPrecision precision);

/// cuDNN is set up by the first use of a device and never taken down, as the device itself.
class DnnHandle {
  public:
    /// The handle, on the stream of `device`, which is made current; null if cuDNN cannot be set up. It is
    /// asked again where that may pass.
    cudnnHandle_t on(const DeviceState& device);
    /// What cuDNN answered where there is no handle.
    cudnnStatus_t refusal() const noexcept { return refusal_; }

  private:
    cudnnHandle_t handle_ = nullptr;
    Stream stream_ = nullptr;
    cudnnStatus_t refusal_ = CUDNN_STATUS_SUCCESS;
};

}  // namespace adjoint::cuda_backend
