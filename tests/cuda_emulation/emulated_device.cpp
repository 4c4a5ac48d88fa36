// The emulated device: its state, its matrix products, its registration.
#include "emulated_device.h"

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint {

namespace cuda_backend {

void CudaBackend::matmul(const MatMul& product) { own_matmul(device_, product); }

// Convolutions of 16 bits in f32, rounded once: what cuDNN does by itself.
namespace {

void copy(Backend& backend, const Operand& to, const Operand& from, std::int64_t numel) {
    Loop<2> loop;
    loop.rank = 1;
    loop.numel = loop.sizes[0] = numel;
    loop.strides[0][0] = loop.strides[1][0] = 1;
    loop.dense = true;
    loop.compute = DType::f32;
    loop.operands[0] = to;
    loop.operands[1] = from;
    backend.map(functor::Copy{}, loop);
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

struct Sizes {
    std::int64_t x, w, y;
    explicit Sizes(const Convolution& c)
        : x(c.windows.batch * c.windows.channels * c.windows.plane()),
          w(c.filters * c.depth()),
          y(c.windows.batch * c.filters * c.windows.outputs()) {}
};

template <class P> struct Part {
    P* data;
    std::int64_t numel;
};

// Calls run(the same in f32, result, first, second) and rounds the result.
template <class Run>
void in_f32(Backend& backend, DeviceState& device, const Convolution& c, Part<void> result,
            Part<const void> first, Part<const void> second, const Run& run) {
    const DType type = c.windows.dtype;
    if (size_of(type) > 2) return run(c, result.data, first.data, second.data);
    Convolution wide = c;
    wide.windows.dtype = DType::f32;
    const Wide sums(backend, device, nullptr, type, result.numel),
        a(backend, device, first.data, type, first.numel),
        b(backend, device, second.data, type, second.numel);
    run(wide, sums.data(), a.data(), b.data());
    copy(backend, {result.data, type}, {sums.data(), DType::f32}, result.numel);
}

}  // namespace

bool CudaBackend::convolves_narrow(const Convolution&) { return true; }

void CudaBackend::convolution(const Convolution& c, void* y, const void* x, const void* w,
                              const Epilogue& epilogue) {
    const Sizes n(c);
    in_f32(*this, device_, c, {y, n.y}, {x, n.x}, {w, n.w},
           [&](const Convolution& wide, void* result, const void* a, const void* b) {
               Backend::convolution(wide, result, a, b, epilogue);
           });
}
void CudaBackend::convolution_input(const Convolution& c, void* dx, const void* g, const void* w) {
    const Sizes n(c);
    in_f32(*this, device_, c, {dx, n.x}, {g, n.y}, {w, n.w},
           [&](const Convolution& wide, void* result, const void* a, const void* b) {
               Backend::convolution_input(wide, result, a, b);
           });
}
void CudaBackend::convolution_weight(const Convolution& c, void* dw, const void* x, const void* g) {
    const Sizes n(c);
    in_f32(*this, device_, c, {dw, n.w}, {x, n.x}, {g, n.y},
           [&](const Convolution& wide, void* result, const void* a, const void* b) {
               Backend::convolution_weight(wide, result, a, b);
           });
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
