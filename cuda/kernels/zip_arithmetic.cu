// Functions of two variables.
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

void zip_arithmetic(const DeviceState& device, const BinaryOp& op, const Loop<3>& loop) {
    runner<BinaryOp, 3>(functor::Arithmetic{}, op.index())(device, op, loop);
}

}  // namespace adjoint::cuda_backend
