// Convolutions by unfold and matrix products, of every floating type: 16 bits in f32, rounded once.
#pragma once

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint::cuda_backend {

void compose_any(CudaBackend& cuda, const call::Convolve& c);
void compose_any(CudaBackend& cuda, const call::ConvolveInput& c);
void compose_any(CudaBackend& cuda, const call::ConvolveWeight& c);

}  // namespace adjoint::cuda_backend
