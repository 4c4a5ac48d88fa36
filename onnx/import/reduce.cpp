// Reductions, and places of the largest and smallest. The axes are an attribute in older versions, an input
// in newer ones.
#include <limits>
#include <numeric>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/sort.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

Tensor unreduced(const Tensor& x) { return x; }

using ReduceFunction = Tensor (*)(const Tensor&, const Dims&, bool);

/// `axes` are the input from version `since` on; `bare` is what is left of the function over no axes.
template <ReduceFunction reduce, int since, Tensor (*bare)(const Tensor&) = unreduced>
Kernel reduction(const Build& b) {
    const bool keep = b.attributes.flag("keepdims", true);
    const bool noop = b.attributes.flag("noop_with_empty_axes");
    return [=, axes = axes_of(b, since, 1)](const Call& c) -> Values {
        const Tensor& x = c[0];
        Integers over = axes(c).value_or(Integers{});
        if (over.empty() && noop) return {bare(x)};
        if (over.empty())
            for (int i = 0; i < x.dim(); ++i) over.push_back(i);
        Dims dims;
        dims.list = shape_of(wrapped_axes(over, x.dim()));
        if (dims.list.empty()) return {Value(bare(x), c.type(0))};
        return {Value(reduce(x, dims, keep).to(x.dtype()), c.type(0))};
    };
}

Tensor reduced_sum(const Tensor& x, const Dims& dims, bool keep) { return sum(x, dims, keep); }
Tensor reduced_mean(const Tensor& x, const Dims& dims, bool keep) {
    if (is_floating(x.dtype())) return mean(x, dims, keep);
    return trunc(mean(x.to(DType::f64), dims, keep));
}

/// The largest of nothing is the least that the type has.
template <bool largest> Tensor extreme(const Tensor& x, const Dims& dims, bool keep) {
    if (x.dtype() == DType::boolean) return extreme<largest>(x.to(DType::u8), dims, keep);
    if (x.numel() > 0) return largest ? amax(x, dims, keep) : amin(x, dims, keep);
    const Tensor empty_sum = sum(x, dims, keep);
    double bound = std::numeric_limits<double>::infinity();
    if (!is_floating(x.dtype())) bound = x.dtype() == DType::i64 ? 9223372036854774784.0 : 2147483647.0;
    double least = -bound;
    if (x.dtype() == DType::u8) bound = 255, least = 0;
    return filled(empty_sum.shape(), largest ? least : bound, x);
}

Tensor reduced_prod(const Tensor& x, const Dims& dims, bool keep) {
    Tensor y = x;
    for (int i = dims.list.size() - 1; i >= 0; --i) y = prod(y, static_cast<int>(dims.list[i]), keep);
    return y;
}
Tensor reduced_l1(const Tensor& x, const Dims& dims, bool keep) { return sum(abs(x), dims, keep); }
Tensor reduced_l2(const Tensor& x, const Dims& dims, bool keep) {
    return in_floating(x, [&](const Tensor& y) { return norm(y, 2, dims, keep); });
}
Tensor reduced_log_sum(const Tensor& x, const Dims& dims, bool keep) {
    return in_floating(x, [&](const Tensor& y) { return log(sum(y, dims, keep)); });
}
Tensor reduced_log_sum_exp(const Tensor& x, const Dims& dims, bool keep) {
    return in_floating(x, [&](const Tensor& y) { return logsumexp(y, dims, keep); });
}
Tensor reduced_sum_square(const Tensor& x, const Dims& dims, bool keep) { return sum(square(x), dims, keep); }

template <Tensor (*find)(const Tensor&, int, bool)> Kernel place(const Build& b) {
    const std::int64_t axis = b.attributes.integer("axis", 0);
    const bool keep = b.attributes.flag("keepdims", true), last = b.attributes.flag("select_last_index");
    return [=](const Call& c) -> Values {
        const int dim = wrapped_axis(axis, c[0].dim());
        const Tensor y = last ? rsub_scalar(find(flip(c[0], {dim}), dim, keep), c[0].size(dim) - 1)
                              : find(c[0], dim, keep);
        return {Value(y, ElementType::i64)};
    };
}

Kernel cumulative_sum(const Build& b) {
    const bool exclusive = b.attributes.flag("exclusive"), reverse = b.attributes.flag("reverse");
    return [=](const Call& c) -> Values {
        const int axis = wrapped_axis(c.integer(1), c[0].dim());
        const Tensor x = reverse ? flip(c[0], {axis}) : c[0];
        Tensor y = cumsum(x, axis).to(x.dtype());
        if (exclusive) y = y - x;
        return {Value(reverse ? flip(y, {axis}) : y, c.type(0))};
    };
}

}  // namespace

std::span<const Row> reduce_rows() {
    static constexpr Row rows[] = {
        {"ArgMax", 1, place<argmax>},
        {"ArgMin", 1, place<argmin>},
        {"CumSum", 11, cumulative_sum, second_input},
        {"ReduceL1", 1, reduction<reduced_l1, 18, abs>, second_input},
        {"ReduceL2", 1, reduction<reduced_l2, 18, abs>, second_input},
        {"ReduceLogSum", 1, reduction<reduced_log_sum, 18, log>, second_input},
        {"ReduceLogSumExp", 1, reduction<reduced_log_sum_exp, 18>, second_input},
        {"ReduceMax", 1, reduction<extreme<true>, 18>, second_input},
        {"ReduceMean", 1, reduction<reduced_mean, 18>, second_input},
        {"ReduceMin", 1, reduction<extreme<false>, 18>, second_input},
        {"ReduceProd", 1, reduction<reduced_prod, 18>, second_input},
        {"ReduceSum", 1, reduction<reduced_sum, 13>, second_input},
        {"ReduceSumSquare", 1, reduction<reduced_sum_square, 18, square>, second_input},
    };
    return rows;
}

}  // namespace adjoint::onnx
