// The activation of an epilogue where a device has no way to do it on the way.
#include <adjoint/core/contract/activate.h>

#include <adjoint/core/contract/compose.h>

namespace adjoint::call {

MatMul without_activation(const MatMul& product) {
    MatMul alone = product;
    alone.out.data = product.epilogue.sums_or(product.out.data);
    alone.epilogue = {.bias = product.epilogue.bias};
    return alone;
}

void activate(Backend& backend, const Epilogue& epilogue, const Operand& result, std::int64_t numel) {
    if (epilogue.activation == Activation::none && !epilogue.sums) return;
    const composition::Grid all(backend, {1, 1, numel}, compute_type(result.dtype));
    visit_activation(epilogue.activation, [&](auto f) {
        all.map(f, all.dense(result.data, result.dtype),
                all.dense(epilogue.sums_or(result.data), result.dtype));
    });
}

void activate_backward(Backend& backend, Activation activation, const Operand& dz, const void* g,
                       const void* saved, std::int64_t numel) {
    const composition::Grid all(backend, {1, 1, numel}, compute_type(dz.dtype));
    visit_activation(activation, [&]<class F>(F f) {
        if constexpr (F::saves != Saves::nothing)
            all.zip(functor::SlopeTimes<F>{f}, all.dense(dz.data, dz.dtype), all.dense(g, dz.dtype),
                    all.dense(saved, dz.dtype));
    });
}

void compose(Backend& backend, const ActivationBackward& c) {
    if (c.dz) activate_backward(backend, c.activation, {c.dz, c.dtype}, c.g, c.saved, c.numel());
    if (!c.sums) return;
    const DType sums = compute_type(c.dtype);
    const composition::Grid all(backend, {c.batch, c.channels, c.inner}, sums);
    all.reduce(functor::Sum{}, {c.sums, sums, {0, 1, 0}}, all.dense(c.dz ? c.dz : c.g, c.dtype),
               {true, false, true});
}

}  // namespace adjoint::call
