// Convolutions: cuDNN where it serves, unfold and matrix products elsewhere.
#include <adjoint/cuda/libraries/dnn.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {

bool CudaBackend::convolves_narrow(const Convolution& c) {
    return context(device_).convolutions->can(device_, c);
}

void CudaBackend::convolution(const Convolution& c, void* y, const void* x, const void* w,
                              const Epilogue& epilogue) {
    if (context(device_).convolutions->forward(device_, c, y, x, w))
        finish(c, y, epilogue);
    else
        Backend::convolution(c, y, x, w, epilogue);
}

void CudaBackend::convolution_input(const Convolution& c, void* dx, const void* g, const void* w) {
    if (!context(device_).convolutions->backward_data(device_, c, dx, g, w))
        Backend::convolution_input(c, dx, g, w);
}

void CudaBackend::convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) {
    if (!context(device_).convolutions->backward_filter(device_, c, dw, x, g))
        Backend::convolution_weight(c, dw, x, g);
}

}  // namespace adjoint::cuda_backend
