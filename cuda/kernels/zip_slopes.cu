// Backward steps of functions of one variable.
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

void zip_slopes(const DeviceState& device, const BinaryOp& op, const Loop<3>& loop) {
    runner<BinaryOp, 3>(functor::Slopes<functor::SmoothUnary>::type{},
                        op.index() - functor::Arithmetic::size)(device, op, loop);
}

}  // namespace adjoint::cuda_backend
