// DLPack: tensors that share their memory with other libraries of the same process, without a copy.
//
//     DLManagedTensorVersioned* handed = to_dlpack(x);   // NumPy, PyTorch, OpenCV, .. write to x's memory
//     Tensor y = from_dlpack(theirs);                    // and y to theirs
//
// The structs are DLPack's own: who looks into them includes the dlpack.h of the library beside.
// source: the specification of DLPack 0.8 and 1.0, dmlc.github.io/dlpack.
#pragma once

#include <adjoint/core/tensor/tensor.h>

struct DLManagedTensor;           // up to version 0.8
struct DLManagedTensorVersioned;  // from version 1.0 on

namespace adjoint {

/// The array of x, which stays alive until the receiver calls the deleter. What x's device has been told to
/// do is done when this returns.
/// dtypes: all of ours. Strides are those of x; CPU and CUDA.
/// errors: AutogradError if x requires a gradient: hand out x.detach(). DeviceError on other devices.
ADJOINT_API DLManagedTensorVersioned* to_dlpack(const Tensor& x);
/// The same for a receiver that knows no version.
ADJOINT_API DLManagedTensor* to_dlpack_unversioned(const Tensor& x);

/// A tensor on the memory that `managed` describes; its deleter runs when the last tensor on it goes. What is
/// marked as read-only is copied, since a tensor can be written. On the GPU whoever wrote the memory has to
/// be done with it.
/// dtypes: float of 16, 32 and 64 bits, bfloat16, int of 32 and 64, uint of 8, bool, one lane each.
/// errors: ValueError for null, another major version, negative sizes or strides and sizes beyond 2^63 bytes;
/// DTypeError and DeviceError for what has no counterpart here. The caller then still owns `managed`.
ADJOINT_API Tensor from_dlpack(DLManagedTensorVersioned* managed);
ADJOINT_API Tensor from_dlpack(DLManagedTensor* managed);

}  // namespace adjoint
