// Tensors as operands of calls to a device. Private.
#pragma once

#include <adjoint/core/contract/loop.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

inline Operand operand(const Tensor& x) { return {x.impl().data, x.dtype()}; }

/// A loop over `shape` = the shape of tensors[0]; the others broadcast to it (checked by the caller).
template <int N> Loop<N> make_loop(const Tensor* const (&tensors)[N], DType compute);

/// The same for dense tensors of one shape, which the caller knows them to be.
template <int N> inline Loop<N> make_dense_loop(const Tensor* const (&tensors)[N], DType compute) {
    Loop<N> loop;
    loop.compute = compute;
    loop.numel = tensors[0]->impl().numel;
    for (int i = 0; i < N; ++i) loop.operands[i] = operand(*tensors[i]);
    if (loop.numel == 1) return loop;
    loop.rank = 1;
    loop.sizes[0] = loop.numel;
    for (int i = 0; i < N; ++i) loop.strides[i][0] = 1;
    return loop;
}

/// Every element of x becomes `value`, an integer with all its digits.
/// errors: ValueError for one that i64 does not hold.
void fill(const Tensor& x, const Scalar& value);

/// The reduction of `x` over the dimensions in `reduced` (a bit per dimension) into the dense tensor `out`.
ReductionLoop make_reduction(const Tensor& out, const Tensor& x, std::uint32_t reduced, DType compute);

extern template Loop<1> make_loop<1>(const Tensor* const (&)[1], DType);
extern template Loop<2> make_loop<2>(const Tensor* const (&)[2], DType);
extern template Loop<3> make_loop<3>(const Tensor* const (&)[3], DType);
extern template Loop<4> make_loop<4>(const Tensor* const (&)[4], DType);

}  // namespace adjoint
