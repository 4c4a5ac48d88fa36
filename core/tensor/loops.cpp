// Broadcasting to strides of zero and merging of dimensions.
#include <adjoint/core/tensor/loops.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

bool all_dense(const Tensor* const* tensors, int n) {
    const Shape& shape = tensors[0]->impl().shape;
    for (int i = 0; i < n; ++i) {
        const TensorImpl& impl = tensors[i]->impl();
        if (!impl.contiguous || (i > 0 && !(impl.shape == shape))) return false;
    }
    return true;
}

template <class T> bool holds(const Scalar& number) {
    using Limits = std::numeric_limits<T>;
    if (number.integral) return to_i64(number) >= Limits::min() && to_i64(number) <= Limits::max();
    // What follows the point is cut off; NaN is in no range.
    return std::trunc(number.value) >= static_cast<double>(Limits::min()) &&
           number.value < std::ldexp(1.0, Limits::digits);
}

void check_holds(DType type, const Scalar& number) {
    const bool held = type == DType::u8    ? holds<std::uint8_t>(number)
                      : type == DType::i32 ? holds<std::int32_t>(number)
                      : type == DType::i64 ? holds<std::int64_t>(number)
                                           : true;
    check<ValueError>(held, "fill: {} is no {}", shown(number.value), name(type));
}

}  // namespace

template <int N> Loop<N> make_loop(const Tensor* const (&tensors)[N], DType compute) {
    if (all_dense(tensors, N)) return make_dense_loop(tensors, compute);
    Loop<N> loop;
    loop.compute = compute;
    loop.numel = tensors[0]->numel();
    for (int i = 0; i < N; ++i) loop.operands[i] = operand(*tensors[i]);

    const Shape& shape = tensors[0]->shape();
    for (int d = 0; d < shape.size(); ++d) {
        std::int64_t steps[N];
        for (int i = 0; i < N; ++i) {
            const TensorImpl& impl = tensors[i]->impl();
            const int own = d - (shape.size() - impl.shape.size());
            steps[i] = own < 0 || impl.shape[own] == 1 ? 0 : impl.strides[own];
        }
        append_dimension(loop.rank, loop.sizes, loop.strides, shape[d], steps);
    }
    settle_dense(loop);
    return loop;
}

template Loop<1> make_loop<1>(const Tensor* const (&)[1], DType);
template Loop<2> make_loop<2>(const Tensor* const (&)[2], DType);
template Loop<3> make_loop<3>(const Tensor* const (&)[3], DType);
template Loop<4> make_loop<4>(const Tensor* const (&)[4], DType);

void fill(const Tensor& x, const Scalar& value) {
    check_holds(x.dtype(), value);
    if (x.numel() == 0) return;
    Backend& device = backend(x.device());
    if (!value.exact && !is_floating(x.dtype())) [[unlikely]] {
        const std::int64_t integer = to_i64(value);
        const Tensor number =
            tensor_from_host(&integer, {}, DType::i64, {.dtype = DType::i64, .device = x.device()});
        device.run(call::Map{functor::Copy{}, make_loop<2>({&x, &number}, DType::i64)});
        return;
    }
    device.run(call::Fill{make_loop<1>({&x}, compute_type(x.dtype())), value.value});
}

ReductionLoop make_reduction(const Tensor& out, const Tensor& x, std::uint32_t reduced, DType compute) {
    ReductionLoop r;
    r.out = operand(out);
    r.in = operand(x);
    r.compute = compute;
    for (int d = 0; d < x.dim(); ++d) {
        const std::int64_t size = x.shape()[d], step[1] = {x.strides()[d]};
        if (reduced >> d & 1) {
            r.length *= size;
            append_dimension(r.reduced_rank, r.reduced_sizes, &r.reduced_strides, size, step);
        } else {
            r.outputs *= size;
            append_dimension(r.kept_rank, r.kept_sizes, &r.kept_strides, size, step);
        }
    }
    return r;
}

}  // namespace adjoint
