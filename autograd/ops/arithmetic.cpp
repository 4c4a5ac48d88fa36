// Arithmetic, comparison, selection.
#include <adjoint/autograd/ops/arithmetic.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {

namespace fn {

Tensor Add::forward(const Tensor& a, const Tensor& b) { return apply::zip(name, functor::Add{}, a, b); }
Grads Add::backward(const Tensor& g) { return {needs(0) ? g : Tensor(), needs(1) ? g : Tensor()}; }

Tensor Sub::forward(const Tensor& a, const Tensor& b) { return apply::zip(name, functor::Sub{}, a, b); }
Grads Sub::backward(const Tensor& g) { return {needs(0) ? g : Tensor(), needs(1) ? neg(g) : Tensor()}; }

Tensor Mul::forward(const Tensor& x, const Tensor& y) {
    if (needs(1)) a = x;
    if (needs(0)) b = y;
    return apply::zip(name, functor::Mul{}, x, y);
}
Grads Mul::backward(const Tensor& g) {
    return {needs(0) ? g * b.get() : Tensor(), needs(1) ? g * a.get() : Tensor()};
}

Tensor Div::forward(const Tensor& x, const Tensor& y) {
    if (needs(1)) a = x;
    if (needs_any()) b = y;
    const DType type = is_floating(apply::result_type(x, y)) ? apply::result_type(x, y) : DType::f32;
    return apply::zip(name, functor::Div{}, x, y, type, compute_type(type));
}
Grads Div::backward(const Tensor& g) {
    const Tensor da = g / b.get();
    return {needs(0) ? da : Tensor(), needs(1) ? neg(da * (a.get() / b.get())) : Tensor()};
}

namespace {

/// da = g b a^(b-1), db = g a^b log a
struct Pow : Function {
    static constexpr auto name = "pow";
    Saved a, b, y;
    Tensor forward(const Tensor& base, const Tensor& exponent) {
        Tensor out = apply::zip(name, functor::Pow{}, base, exponent);
        if (needs_any()) {
            a = base;
            b = exponent;
        }
        if (needs(1)) y.keep_output(out);
        return out;
    }
    Grads backward(const Tensor& g) {
        const Tensor base = a.get(), exponent = b.get();
        Tensor da, db;
        if (needs(0)) {
            // An exponent of 0 has slope 0, also at the base 0, where 0 * 0^-1 would be NaN.
            const Tensor slope = exponent * pow(base, exponent - 1);
            da = g * where(eq(exponent, 0.0), zeros_like(slope), slope);
        }
        if (needs(1)) {
            // At the base 0 the slope is 0 for exponents of at least 0 and -inf, not infinity times 0, below;
            // under it there is none.
            const Tensor power = y.get();
            const Tensor positive = where(gt(base, 0.0), base, ones_like(base));
            const Tensor slope = power * log(positive);
            const Tensor nan = full_like(slope, std::nan(""));
            const Tensor steep = where(logical_and(eq(base, 0.0), lt(exponent, 0.0)),
                                       full_like(slope, -std::numeric_limits<double>::infinity()), slope);
            const Tensor real = where(lt(base, 0.0), nan, steep);
            db = g * where(eq(power, 0.0), zeros_like(slope), real);
        }
        return {da, db};
    }
};

struct Atan2 : Function {
    static constexpr auto name = "atan2";
    Saved a, b;
    Tensor forward(const Tensor& y, const Tensor& x) {
        if (needs_any()) {
            a = y;
            b = x;
        }
        const DType common = apply::result_type(y, x);
        const DType type = is_floating(common) ? common : DType::f32;
        return apply::zip(name, functor::Atan2{}, y, x, type, compute_type(type));
    }
    Grads backward(const Tensor& g) {
        const Tensor y = a.get(), x = b.get();
        const Tensor scaled = g / (y * y + x * x);
        return {needs(0) ? scaled * x : Tensor(), needs(1) ? neg(scaled * y) : Tensor()};
    }
};

template <class Op> struct Extreme : Function {
    static constexpr auto name = Op::name;
    Saved a, b;
    Tensor forward(const Tensor& x, const Tensor& y) {
        if (needs_any()) {
            a = x;
            b = y;
        }
        return apply::zip(name, Op{}, x, y);
    }
    Grads backward(const Tensor& g) {
        const bool largest = std::is_same_v<Op, functor::Maximum>;
        const Tensor x = a.get(), y = b.get();
        const auto share = [&](const Tensor& mine, const Tensor& other) {
            return g * (largest ? apply::zip("greater_share", functor::GreaterShare{}, mine, other)
                                : apply::zip("greater_share", functor::GreaterShare{}, other, mine));
        };
        return {needs(0) ? share(x, y) : Tensor(), needs(1) ? share(y, x) : Tensor()};
    }
};

struct Where : Function {
    static constexpr auto name = "where";
    Saved condition;
    Tensor forward(const Tensor& c, const Tensor& a, const Tensor& b) {
        check<DTypeError>(c.dtype() == DType::boolean, "where: the condition has type {}, expected bool",
                          adjoint::name(c.dtype()));
        apply::check_same_device(name, c, a);
        apply::check_same_device(name, a, b);
        if (needs_any()) condition = c;
        const DType type = apply::result_type(a, b);
        const Shape shape = broadcast_shapes(name, c.shape(), broadcast_shapes(name, a.shape(), b.shape()));
        Tensor out = empty(shape, {.dtype = type, .device = a.device()});
        if (out.numel() > 0)
            backend(a.device()).run(call::Select{make_loop<4>({&out, &c, &a, &b}, compute_type(type))});
        return out;
    }
    Grads backward(const Tensor& g) {
        const Tensor c = condition.get(), zero = zeros({}, {.dtype = g.dtype(), .device = g.device()});
        return {Tensor(), needs(1) ? where(c, g, zero) : Tensor(), needs(2) ? where(c, zero, g) : Tensor()};
    }
};

}  // namespace
}  // namespace fn

Tensor add(const Tensor& a, const Tensor& b) { return record(fn::Add{}, a, b); }
Tensor sub(const Tensor& a, const Tensor& b) { return record(fn::Sub{}, a, b); }
Tensor mul(const Tensor& a, const Tensor& b) { return record(fn::Mul{}, a, b); }
Tensor div(const Tensor& a, const Tensor& b) { return record(fn::Div{}, a, b); }
Tensor pow(const Tensor& a, const Tensor& b) { return record(fn::Pow{}, a, b); }
Tensor atan2(const Tensor& a, const Tensor& b) { return record(fn::Atan2{}, a, b); }
Tensor maximum(const Tensor& a, const Tensor& b) { return record(fn::Extreme<functor::Maximum>{}, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return record(fn::Extreme<functor::Minimum>{}, a, b); }
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
    return record(fn::Where{}, condition, a, b);
}
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
    return named("masked_fill",
                 [&] { return where(mask, full({}, value, {.dtype = x.dtype(), .device = x.device()}), x); });
}

namespace {

// A number beside a tensor of another device is written there by that device: no copy, nothing to wait for.
Tensor beside(const Tensor& number, const Tensor& other) {
    if (number.dim() > 0 || !number.device().is_cpu() || other.device().is_cpu()) return number;
    const auto value = number.item<double>();
    const bool exact =
        number.dtype() != DType::i64 || static_cast<std::int64_t>(value) == number.item<std::int64_t>();
    return exact ? full({}, value, {.dtype = number.dtype(), .device = other.device()})
                 : number.to(other.device());
}

Tensor compare(const char* name, const BinaryOp& op, const Tensor& x, const Tensor& y) {
    apply::check_defined(name, x);
    apply::check_defined(name, y);
    const auto flags = [&] {
        const Tensor a = beside(x, y), b = beside(y, x);
        return apply::zip(name, op, a, b, DType::boolean, compute_type(apply::result_type(a, b)));
    };
    return composed(name, no_attributes, flags, x, y);
}

}  // namespace

Tensor eq(const Tensor& a, const Tensor& b) { return compare("eq", functor::Eq{}, a, b); }
Tensor ne(const Tensor& a, const Tensor& b) { return compare("ne", functor::Ne{}, a, b); }
Tensor lt(const Tensor& a, const Tensor& b) { return compare("lt", functor::Lt{}, a, b); }
Tensor le(const Tensor& a, const Tensor& b) { return compare("le", functor::Le{}, a, b); }
Tensor gt(const Tensor& a, const Tensor& b) { return compare("gt", functor::Gt{}, a, b); }
Tensor ge(const Tensor& a, const Tensor& b) { return compare("ge", functor::Ge{}, a, b); }
Tensor logical_and(const Tensor& a, const Tensor& b) {
    return compare("logical_and", functor::LogicalAnd{}, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
    return compare("logical_or", functor::LogicalOr{}, a, b);
}
Tensor logical_not(const Tensor& x) {
    apply::check_defined("logical_not", x);
    const auto flags = [&] {
        return apply::map(functor::LogicalNot{}, x, DType::boolean, compute_type(x.dtype()));
    };
    return composed("logical_not", no_attributes, flags, x);
}

bool equal(const Tensor& a, const Tensor& b) {
    return a.shape() == b.shape() && (a.numel() == 0 || amin(eq(a, b).to(DType::u8)).item<int>() == 1);
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
    check<ShapeError>(a.shape() == b.shape(), "allclose: shapes {} and {} differ", a.shape(), b.shape());
    if (a.numel() == 0) return true;
    const NoGrad guard;
    const Tensor x = a.to(DType::f64), y = b.to(DType::f64);
    Tensor close = logical_or(eq(x, y), logical_and(le(abs(x - y), atol + rtol * abs(y)), isfinite(y)));
    if (equal_nan) close = logical_or(close, logical_and(isnan(x), isnan(y)));
    return amin(close.to(DType::u8)).item<int>() == 1;
}

}  // namespace adjoint
