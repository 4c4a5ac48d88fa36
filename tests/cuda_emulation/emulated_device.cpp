// The emulated device: its state, its matrix products, its registration.
#include "emulated_device.h"

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint {

void cuda_backend::CudaBackend::matmul(const MatMul& product) { own_matmul(device_, product); }

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
