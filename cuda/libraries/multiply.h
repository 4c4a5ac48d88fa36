// The product and its bias: by cuBLASLt where it serves, by our own kernel elsewhere.
#pragma once

#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/libraries/cublaslt.h>

namespace adjoint::cuda_backend {

/// A MatMul without activation.
void multiply(CudaBackend& cuda, Products& products, const call::MatMul& product);

}  // namespace adjoint::cuda_backend
