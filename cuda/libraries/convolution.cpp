// Convolutions: cuDNN where it serves, unfold and matrix products elsewhere.
#include <adjoint/cuda/kernels/planes.h>
#include <adjoint/cuda/libraries/composed_convolution.h>
#include <adjoint/cuda/libraries/dnn.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {

bool CudaBackend::convolves_narrow(const Convolution& c) {
    return context(device).convolutions->can(device, c);
}

void on(CudaBackend& cuda, const call::Convolve& c) {
    if (context(cuda.device).convolutions->forward(cuda.device, c.shape, c.epilogue.sums_or(c.y), c.x, c.w))
        finish_convolution(cuda, c);
    else
        compose_any(cuda, c);
}

void on(CudaBackend& cuda, const call::ConvolveInput& c) {
    if (!context(cuda.device).convolutions->backward_data(cuda.device, c.shape, c.dx, c.g, c.w))
        compose_any(cuda, c);
}

void on(CudaBackend& cuda, const call::ConvolveWeight& c) {
    if (!context(cuda.device).convolutions->backward_filter(cuda.device, c.shape, c.dw, c.x, c.g))
        compose_any(cuda, c);
}

}  // namespace adjoint::cuda_backend
