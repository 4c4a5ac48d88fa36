// The emulated device: its state, its matrix products, its registration.
#include "emulated_device.h"

#include <adjoint/core/contract/activate.h>
#include <adjoint/cuda/kernels/planes.h>
#include <adjoint/cuda/kernels/small_product.h>
#include <adjoint/cuda/libraries/composed_convolution.h>

#include "emulated_libraries.h"

namespace adjoint {

namespace cuda_backend {

// What would go through a library.
void on(CudaBackend& cuda, const call::MatMul& c) {
    if (multiply_small(cuda, c)) return;
    const call::MatMul product = call::without_activation(c);
    if (emulated_libraries().multiply)
        emulated_libraries().multiply(cuda, product);
    else
        own_matmul(cuda.device, product);
    call::activate(cuda, c.epilogue, c.out, c.m * c.n);
}

bool CudaBackend::convolves_narrow(const Convolution&) { return true; }

void on(CudaBackend& cuda, const call::Convolve& c) {
    // An activation takes what was rounded.
    call::Convolve sums = c;
    sums.y = c.epilogue.sums_or(c.y);
    sums.epilogue = {.bias = c.epilogue.bias};
    if (emulated_libraries().convolve && emulated_libraries().convolve(cuda, sums))
        return finish_convolution(cuda, c);
    compose_any(cuda, sums);
    call::activate(cuda, c.epilogue, {c.y, c.shape.windows.dtype}, c.shape.results());
}
void on(CudaBackend& cuda, const call::ConvolveInput& c) {
    if (!emulated_libraries().convolve_input || !emulated_libraries().convolve_input(cuda, c))
        compose_any(cuda, c);
}
void on(CudaBackend& cuda, const call::ConvolveWeight& c) {
    if (!emulated_libraries().convolve_weight || !emulated_libraries().convolve_weight(cuda, c))
        compose_any(cuda, c);
}

}  // namespace cuda_backend

namespace {

cuda_backend::DeviceState& state() {
    static cuda_backend::Fault fault{};
    // Two multiprocessors: the grids are small enough for tests to send threads round their loops.
    static cuda_backend::DeviceState device{
        .index = 0, .multiprocessors = 2, .stream = nullptr, .fault = &fault};
    return device;
}

}  // namespace

Device emulated_device() {
    static cuda_backend::CudaBackend device(state());
    static const bool once = (register_backend(Device::cuda(0), device), true);
    static_cast<void>(once);
    return Device::cuda(0);
}

EmulatedLibraries& emulated_libraries() {
    static EmulatedLibraries none;
    return none;
}

std::int64_t& emulated_narrow() { return state().narrow; }
std::int64_t& emulated_small_product() { return state().small_product; }

}  // namespace adjoint
