// The emulated device: its state, its matrix products, its registration.
#include "emulated_device.h"

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint {

namespace cuda_backend {

void CudaBackend::matmul(const MatMul& product) { own_matmul(device_, product); }

void CudaBackend::convolution(const Convolution& c, void* y, const void* x, const void* w,
                              const Epilogue& epilogue) {
    Backend::convolution(c, y, x, w, epilogue);
}
void CudaBackend::convolution_input(const Convolution& c, void* dx, const void* g, const void* w) {
    Backend::convolution_input(c, dx, g, w);
}
void CudaBackend::convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) {
    Backend::convolution_weight(c, dw, x, g);
}

}  // namespace cuda_backend

Device emulated_device() {
    static cuda_backend::Fault fault{};
    // Two multiprocessors: the grids are small enough for tests to send threads round their loops.
    static cuda_backend::DeviceState state{
        .index = 0, .multiprocessors = 2, .stream = nullptr, .fault = &fault};
    static cuda_backend::CudaBackend device(state);
    static const bool once = (register_backend(Device::cuda(0), device), true);
    static_cast<void>(once);
    return Device::cuda(0);
}

}  // namespace adjoint
