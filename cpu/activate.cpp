// The kernels of activations.
#include <adjoint/cpu/activate.h>

#include <adjoint/core/contract/activate.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu {

void activate(Activation activation, DType type, void* y, const void* x, std::int64_t n) {
    visit_activation(activation,
                     [&](auto f) { kernels().map[UnaryOp(f).index()][compute_column(type)](&f, y, x, n); });
}

}  // namespace adjoint::cpu
