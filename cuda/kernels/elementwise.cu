// Elementwise operations: fill and select, and the way of a functor to the file that has its kernels.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/elementwise.h>

namespace adjoint::cuda_backend {

struct Constant {
    static constexpr bool integers = true;
    double number;
    template <class T> ADJOINT_HD T value() const { return static_cast<T>(number); }
};

struct Select {
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T condition, T a, T b) const { return condition != T(0) ? a : b; }
};

void CudaBackend::fill(const Loop<2>& out, double value) {
    Loop<1> only;
    only.rank = out.rank;
    only.numel = out.numel;
    only.compute = out.compute;
    only.dense = out.dense;
    only.operands[0] = out.operands[0];
    for (int d = 0; d < out.rank; ++d) {
        only.sizes[d] = out.sizes[d];
        only.strides[0][d] = out.strides[0][d];
    }
    run_functor(device_, "fill", Constant{value}, only);
}

void CudaBackend::map(const UnaryOp& op, const Loop<2>& loop) {
    if (op.index() < functor::FlatUnary::size)
        map_flat(device_, op, loop);
    else
        map_smooth(device_, op, loop);
}

void CudaBackend::zip(const BinaryOp& op, const Loop<3>& loop) {
    if (op.index() < functor::Arithmetic::size)
        zip_arithmetic(device_, op, loop);
    else
        zip_slopes(device_, op, loop);
}

void CudaBackend::select(const Loop<4>& loop) { run_functor(device_, "where", Select{}, loop); }

}  // namespace adjoint::cuda_backend
