// Functions of one variable with a slope.
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

void map_smooth(const DeviceState& device, const UnaryOp& op, const Loop<2>& loop) {
    runner<UnaryOp, 2>(functor::SmoothUnary{}, op.index() - functor::FlatUnary::size)(device, op, loop);
}

}  // namespace adjoint::cuda_backend
