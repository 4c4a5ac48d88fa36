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

}  // namespace adjoint::call
