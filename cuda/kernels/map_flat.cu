// Functions of one variable without a slope.
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

void map_flat(const DeviceState& device, const UnaryOp& op, const Loop<2>& loop) {
    runner<UnaryOp, 2>(functor::FlatUnary{}, op.index())(device, op, loop);
}

}  // namespace adjoint::cuda_backend
