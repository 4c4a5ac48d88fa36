// Reductions and what is composed of them.
#include <adjoint/autograd/ops/reduce.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// The dimensions as bits; none means all.
std::uint32_t dim_bits(const char* op, const Dims& dims, int rank) {
    std::uint32_t bits = 0;
    for (const std::int64_t dim : dims.list) {
        const std::uint32_t bit = 1u << wrap_dim(op, dim, rank);
        check<IndexError>((bits & bit) == 0, "{}: dimension {} is named twice", op, dim);
        bits |= bit;
    }
    return dims.list.empty() ? ~0u : bits;
}

Shape reduced_shape(const Shape& shape, std::uint32_t bits, bool keepdim) {
    Shape out;
    for (int d = 0; d < shape.size(); ++d) {
        if (!(bits >> d & 1))
            out.push_back(shape[d]);
        else if (keepdim)
            out.push_back(1);
    }
    return out;
}

std::int64_t reduced_count(const Shape& shape, std::uint32_t bits) {
    std::int64_t n = 1;
    for (int d = 0; d < shape.size(); ++d)
        if (bits >> d & 1) n *= shape[d];
    return n;
}

Tensor reduce(const ReduceOp& op, const Tensor& x, std::uint32_t bits, bool keepdim, DType type) {
    Tensor out = empty(reduced_shape(x.shape(), bits, keepdim), {.dtype = type, .device = x.device()});
    if (out.numel() > 0)
        backend(x.device()).run(call::Reduce{op, make_reduction(out, x, bits, compute_type(type))});
    return out;
}

// The dimensions that the bits of a reduction name, as its attribute.
std::vector<std::int64_t> listed_dims(std::uint32_t bits) {
    std::vector<std::int64_t> dims;
    for (int d = 0; bits != ~0u && d < max_dims; ++d)
        if (bits >> d & 1) dims.push_back(d);
    return dims;
}

// The gradient of a reduction, given back the dimensions it lost.
Tensor restore(const Tensor& g, const Shape& shape, std::uint32_t bits) {
    return reshape(g, reduced_shape(shape, bits, true));
}

struct Sum : Function {
    static constexpr auto name = "sum";
    std::uint32_t bits;
    bool keepdim;
    Shape shape;
    Sum(std::uint32_t b, bool keep) : bits(b), keepdim(keep) {}
    template <class V> void attributes(V& v) const {
        v("dims", listed_dims(bits));
        v("keepdim", keepdim);
    }
    Tensor forward(const Tensor& x) {
        shape = x.shape();
        return reduce(functor::Sum{}, x, bits, keepdim, is_floating(x.dtype()) ? x.dtype() : DType::i64);
    }
    Grads backward(const Tensor& g) { return {expand(restore(g, shape, bits), shape)}; }
};

/// sum / n, rounded once; dx = g / n
struct Mean : Sum {
    static constexpr auto name = "mean";
    using Sum::Sum;
    double count() const { return static_cast<double>(reduced_count(shape, bits)); }
    Tensor forward(const Tensor& x) {
        shape = x.shape();
        return (reduce(functor::Sum{}, x, bits, keepdim, compute_type(x.dtype())) / count()).to(x.dtype());
    }
    Grads backward(const Tensor& g) { return Sum::backward(g / count()); }
};

/// dx_i = g times the product of the others, so that zeros among them need no division.
struct Prod : Function {
    static constexpr auto name = "prod";
    int dim;
    Saved saved;
    explicit Prod(int d) : dim(d) {}
    template <class V> void attributes(V& v) const { v("dim", dim); }
    Tensor forward(const Tensor& x) {
        if (needs_any()) saved = x;
        return reduce(functor::Prod{}, x, 1u << dim, true, is_floating(x.dtype()) ? x.dtype() : DType::i64);
    }
    Grads backward(const Tensor& g) {
        const Tensor x = saved.get();
        const std::int64_t n = x.shape()[dim];
        if (n == 0) return {zeros_like(x)};
        // Row i of `others` is x with a one in place i; its product is the slope of x_i.
        const Tensor column = unsqueeze(x, dim);
        const Tensor own = reshape(eye(n, n, {.dtype = DType::boolean, .device = x.device()}), [&] {
            Shape s = Shape::filled(x.dim() + 1, 1);
            s[dim] = n;
            s[dim + 1] = n;
            return s;
        }());
        const Tensor others = where(own, ones({}, {.dtype = x.dtype(), .device = x.device()}), column);
        const Tensor slopes = squeeze(record(Prod(dim + 1), others), dim + 1);
        return {g * slopes};
    }
};

/// Equal extremes share the gradient evenly.
template <class Op> struct Extreme : Function {
    static constexpr auto name = std::is_same_v<Op, functor::Max> ? "amax" : "amin";
    std::uint32_t bits;
    bool keepdim;
    Saved x, y;
    Extreme(std::uint32_t b, bool keep) : bits(b), keepdim(keep) {}
    template <class V> void attributes(V& v) const {
        v("dims", listed_dims(bits));
        v("keepdim", keepdim);
    }
    Tensor forward(const Tensor& input) {
        Tensor out = reduce(Op{}, input, bits, keepdim, input.dtype());
        if (needs_any()) {
            x = input;
            y.keep_output(out);
        }
        return out;
    }
    Grads backward(const Tensor& g) {
        const Tensor input = x.get();
        const Shape& shape = input.shape();
        const Tensor winners = eq(input, restore(y.get(), shape, bits)).to(g.dtype());
        Dims dims;
        for (int d = 0; d < shape.size(); ++d)
            if (bits >> d & 1) dims.list.push_back(d);
        const Tensor count = shape.empty() ? winners : sum(winners, dims, true);
        return {winners * (restore(g, shape, bits) / count)};
    }
};

template <class Op> Tensor extreme(const Tensor& x, const Dims& dims, bool keepdim) {
    constexpr auto name = Extreme<Op>::name;
    const std::uint32_t bits = dim_bits(name, dims, x.dim());
    check<ShapeError>(reduced_count(x.shape(), bits) > 0 ||
                          (x.numel() == 0 && reduced_shape(x.shape(), bits, false).numel() == 0),
                      "{}: of no elements, the shape is {}", name, x.shape());
    return record(Extreme<Op>(bits, keepdim), x);
}

Tensor arg_extreme(const char* name, bool largest, const Tensor& x, int dim, bool keepdim) {
    const int d = wrap_dim(name, dim, x.dim());
    const std::uint32_t bits = 1u << d;
    Tensor out = empty(reduced_shape(x.shape(), bits, keepdim), {.dtype = DType::i64, .device = x.device()});
    check<ShapeError>(reduced_count(x.shape(), bits) > 0 || out.numel() == 0,
                      "{}: of no elements, the shape is {}", name, x.shape());
    const auto places = [&] {
        if (out.numel() > 0)
            backend(x.device())
                .run(call::ArgReduce{largest, make_reduction(out, x, bits, compute_type(x.dtype()))});
        return out;
    };
    const auto attributes = [&](auto& v) {
        v("dim", d);
        v("keepdim", keepdim);
    };
    return composed(name, attributes, places, x);
}

// |x|^p, with the slope 0 at 0 also where it has none: below p = 1 that of the power is infinite.
Tensor power_of_size(const Tensor& x, double p) {
    const Tensor size = abs(x), zero = eq(size, 0.0);
    return where(zero, zeros_like(size), pow(where(zero, ones_like(size), size), p));
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim) {
    apply::check_defined("sum", x);
    return record(Sum(dim_bits("sum", dims, x.dim()), keepdim), x);
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim) {
    check<DTypeError>(is_floating(x.dtype()),
                      "mean: needs a floating-point tensor, not {}; convert it with to(f32)",
                      name(x.dtype()));
    return record(Mean(dim_bits("mean", dims, x.dim()), keepdim), x);
}

Tensor prod(const Tensor& x, int dim, bool keepdim) {
    if (x.dim() == 0) return x.clone();
    const int d = wrap_dim("prod", dim, x.dim());
    const Tensor y = record(Prod(d), x);
    return keepdim ? y : squeeze(y, d);
}
Tensor prod(const Tensor& x) {
    apply::check_defined("prod", x);
    return prod(flatten(x), 0);
}

Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme<functor::Max>(x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
    return extreme<functor::Min>(x, dims, keepdim);
}

Tensor argmax(const Tensor& x, int dim, bool keepdim) { return arg_extreme("argmax", true, x, dim, keepdim); }
Tensor argmin(const Tensor& x, int dim, bool keepdim) {
    return arg_extreme("argmin", false, x, dim, keepdim);
}
Tensor argmax(const Tensor& x) { return argmax(flatten(x.detach()), 0); }
Tensor argmin(const Tensor& x) { return argmin(flatten(x.detach()), 0); }

Tensor var(const Tensor& input, const Dims& dims, bool keepdim, const VarOptions& options) {
    const detail::Within heard("var");
    return named("var", [&] {
        const Tensor x = apply::widened(input);
        const std::int64_t n = reduced_count(x.shape(), dim_bits("var", dims, x.dim()));
        const Tensor total = sum(square(x - mean(x, dims, true)), dims, keepdim);
        const auto divisor = static_cast<double>(std::max<std::int64_t>(n - (options.unbiased ? 1 : 0), 0));
        return (total / divisor).to(input.dtype());
    });
}

Tensor std(const Tensor& x, const Dims& dims, bool keepdim, const VarOptions& options) {
    const detail::Within heard("std");
    return named("std", [&] {
        const Tensor v = var(apply::widened(x), dims, keepdim, options);
        // Where the variance is 0 the root has no slope: the branch not taken keeps its infinity to itself.
        const Tensor zero = eq(v, 0.0);
        return where(zero, zeros_like(v), sqrt(where(zero, ones_like(v), v))).to(x.dtype());
    });
}

Tensor norm(const Tensor& input, double p, const Dims& dims, bool keepdim) {
    return named("norm", [&] {
        const Tensor x = apply::widened(input);
        const auto rounded = [&](const Tensor& y) {
            return is_floating(input.dtype()) ? y.to(input.dtype()) : y;
        };
        check<ValueError>(p > 0, "norm: p = {}, expected a positive number or infinity", p);
        if (std::isinf(p)) return rounded(amax(abs(x), dims, keepdim));
        if (p == 1) return rounded(sum(abs(x), dims, keepdim));
        const Tensor total = sum(p == 2 ? square(x) : power_of_size(x, p), dims, keepdim);
        const Tensor zero = eq(total, 0.0);
        const Tensor safe = where(zero, ones_like(total), total);
        return rounded(where(zero, zeros_like(total), p == 2 ? sqrt(safe) : pow(safe, 1 / p)));
    });
}

Tensor logsumexp(const Tensor& input, const Dims& dims, bool keepdim) {
    const Tensor x = apply::widened(input);
    const DType type = apply::real_type(apply::raised(input));
    const std::uint32_t bits = dim_bits("logsumexp", dims, x.dim());
    if (reduced_count(x.shape(), bits) == 0)
        return log(sum(exp(x), dims, keepdim)).to(type);  // log 0 of nothing
    const Tensor largest = amax(x.detach(), dims, true);
    const Tensor shift = where(isfinite(largest), largest, zeros_like(largest));
    // Where all are -inf, so is the result, and nothing has a slope: the branch not taken keeps the infinity
    // of the logarithm's to itself.
    const Tensor total = sum(exp(x - shift), dims, keepdim), none = eq(total, 0.0);
    const Tensor rest = where(none, full_like(total, -std::numeric_limits<double>::infinity()),
                              log(where(none, ones_like(total), total)));
    return (rest + reshape(shift, reduced_shape(x.shape(), bits, keepdim))).to(type);
}

Tensor All::operator()(const Tensor& x) const {
    return x.numel() == 0 ? Tensor(true) : amin(ne(x, 0).to(DType::u8)).to(DType::boolean);
}
Tensor any(const Tensor& x) {
    return named("any", [&] {
        return x.numel() == 0 ? Tensor(false) : amax(ne(x, 0).to(DType::u8)).to(DType::boolean);
    });
}

Tensor sum_to_shape(const char* op, const Tensor& x, const Shape& shape) {
    if (x.shape() == shape) return x;
    const int extra = x.dim() - shape.size();
    Dims dims;
    bool fits = extra >= 0;
    for (int d = 0; fits && d < x.dim(); ++d) {
        const std::int64_t wanted = d < extra ? 1 : shape[d - extra];
        if (d < extra || (wanted == 1 && x.shape()[d] != 1))
            dims.list.push_back(d);
        else
            fits = wanted == x.shape()[d];
    }
    check<ShapeError>(fits, "backward: {} returned a gradient of shape {} for an input of shape {}", op,
                      x.shape(), shape);
    return reshape(dims.list.empty() ? x : sum(x, dims, true), shape);
}

}  // namespace adjoint
