// The emulated device: its state, its matrix products, its registration.
#include "emulated_device.h"

#include <adjoint/core/contract/activate.h>
#include <adjoint/cuda/cuda_backend.h>

namespace adjoint {

namespace cuda_backend {

void on(CudaBackend& cuda, const call::MatMul& c) {
    own_matmul(cuda.device, call::without_activation(c));
    call::activate(cuda, c.epilogue, c.out, c.m * c.n);
}

// Convolutions of 16 bits in f32, rounded once: what cuDNN does by itself.
namespace {

void copy(Backend& backend, const Operand& to, const Operand& from, std::int64_t numel) {
    call::Map call{functor::Copy{}, {}};
    Loop<2>& loop = call.loop;
    loop.rank = 1;
    loop.numel = loop.sizes[0] = numel;
    loop.strides[0][0] = loop.strides[1][0] = 1;
    loop.dense = true;
    loop.compute = DType::f32;
    loop.operands[0] = to;
    loop.operands[1] = from;
    backend.run(call);
}

// An operand of a convolution in f32: its elements, or room for them.
class Wide {
  public:
    Wide(Backend& backend, DeviceState& device, const void* data, DType type, std::int64_t numel)
        : memory_(device, static_cast<std::size_t>(numel) * sizeof(float)) {
        if (data) copy(backend, {this->data(), DType::f32}, {const_cast<void*>(data), type}, numel);
    }
    void* data() const { return memory_.as<void>(); }

  private:
    Scratch memory_;
};

// Makes the call in f32, on its result and its operands, and rounds the result.
template <class Call, class P, class Run>
void in_f32(CudaBackend& cuda, Call c, void* Call::*result, std::int64_t results, P Call::*first,
            std::int64_t firsts, P Call::*second, std::int64_t seconds, Run run) {
    const DType type = c.shape.windows.dtype;
    if (size_of(type) > 2) return run(c);
    void* const rounded = c.*result;
    const Wide sums(cuda, cuda.device, nullptr, type, results), a(cuda, cuda.device, c.*first, type, firsts),
        b(cuda, cuda.device, c.*second, type, seconds);
    c.shape.windows.dtype = DType::f32;
    c.*result = sums.data();
    c.*first = a.data();
    c.*second = b.data();
    run(c);
    copy(cuda, {rounded, type}, {sums.data(), DType::f32}, results);
}

}  // namespace

bool CudaBackend::convolves_narrow(const Convolution&) { return true; }

void on(CudaBackend& cuda, const call::Convolve& c) {
    // An activation takes what was rounded.
    call::Convolve sums = c;
    sums.y = c.epilogue.sums_or(c.y);
    sums.epilogue = {.bias = c.epilogue.bias};
    in_f32(cuda, sums, &call::Convolve::y, c.shape.results(), &call::Convolve::x, c.shape.windows.inputs(),
           &call::Convolve::w, c.shape.weights(), [&](const call::Convolve& wide) { compose(cuda, wide); });
    call::activate(cuda, c.epilogue, {c.y, c.shape.windows.dtype}, c.shape.results());
}
void on(CudaBackend& cuda, const call::ConvolveInput& c) {
    in_f32(cuda, c, &call::ConvolveInput::dx, c.shape.windows.inputs(), &call::ConvolveInput::g,
           c.shape.results(), &call::ConvolveInput::w, c.shape.weights(),
           [&](const call::ConvolveInput& wide) { compose(cuda, wide); });
}
void on(CudaBackend& cuda, const call::ConvolveWeight& c) {
    in_f32(cuda, c, &call::ConvolveWeight::dw, c.shape.weights(), &call::ConvolveWeight::x,
           c.shape.windows.inputs(), &call::ConvolveWeight::g, c.shape.results(),
           [&](const call::ConvolveWeight& wide) { compose(cuda, wide); });
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
