// What follows a convolution whose sums are there.
#pragma once

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint::cuda_backend {

/// call::finish in one launch.
void finish_convolution(CudaBackend& cuda, const call::Convolve& c);

}  // namespace adjoint::cuda_backend
