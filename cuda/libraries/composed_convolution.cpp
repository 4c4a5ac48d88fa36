// Operands of 16 bits on their way to f32 and back.
#include <adjoint/cuda/libraries/composed_convolution.h>

#include <adjoint/core/contract/compose.h>
#include <adjoint/cuda/kernels/planes.h>

namespace adjoint::cuda_backend {
namespace {

void copy_elements(Backend& backend, const Operand& to, const Operand& from, std::int64_t numel) {
    const composition::Grid all(backend, {1, 1, numel}, DType::f32);
    all.map(functor::Copy{}, all.dense(to.data, to.dtype), all.dense(from.data, from.dtype));
}

// An operand in f32: its elements, or room for them.
class Wide {
  public:
    Wide(CudaBackend& cuda, const void* data, DType type, std::int64_t numel)
        : memory_(cuda.device, static_cast<std::size_t>(numel) * sizeof(float)) {
        if (data) copy_elements(cuda, {this->data(), DType::f32}, {const_cast<void*>(data), type}, numel);
    }
    void* data() const { return memory_.as<void>(); }

  private:
    Scratch memory_;
};

// Makes the call in f32, on its result and its operands, and rounds the result.
template <class Call, class P>
void in_f32(CudaBackend& cuda, Call c, void* Call::*result, std::int64_t results, P Call::*first,
            std::int64_t firsts, P Call::*second, std::int64_t seconds) {
    const DType type = c.shape.windows.dtype;
    void* const rounded = c.*result;
    const Wide sums(cuda, nullptr, type, results), a(cuda, c.*first, type, firsts),
        b(cuda, c.*second, type, seconds);
    c.shape.windows.dtype = DType::f32;
    c.*result = sums.data();
    c.*first = a.data();
    c.*second = b.data();
    compose(cuda, c);
    copy_elements(cuda, {rounded, type}, {sums.data(), DType::f32}, results);
}

bool is_narrow(const Convolution& c) { return size_of(c.windows.dtype) == 2; }

}  // namespace

void compose_any(CudaBackend& cuda, const call::Convolve& c) {
    if (!is_narrow(c.shape)) return compose(cuda, c);
    call::Convolve sums = c;
    sums.y = c.epilogue.sums_or(c.y);
    sums.epilogue = {};
    in_f32(cuda, sums, &call::Convolve::y, c.shape.results(), &call::Convolve::x, c.shape.windows.inputs(),
           &call::Convolve::w, c.shape.weights());
    finish_convolution(cuda, c);
}

void compose_any(CudaBackend& cuda, const call::ConvolveInput& c) {
    if (!is_narrow(c.shape)) return compose(cuda, c);
    in_f32(cuda, c, &call::ConvolveInput::dx, c.shape.windows.inputs(), &call::ConvolveInput::g,
           c.shape.results(), &call::ConvolveInput::w, c.shape.weights());
}

void compose_any(CudaBackend& cuda, const call::ConvolveWeight& c) {
    if (!is_narrow(c.shape)) return compose(cuda, c);
    in_f32(cuda, c, &call::ConvolveWeight::dw, c.shape.weights(), &call::ConvolveWeight::x,
           c.shape.windows.inputs(), &call::ConvolveWeight::g, c.shape.results());
}

}  // namespace adjoint::cuda_backend
