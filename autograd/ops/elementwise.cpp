// Each function of one variable: its public line.
//
// A backward pass runs the functor's slope in one kernel; one that is recorded runs the same slope with
// tensors for numbers, which makes it of differentiable functions.
#include <adjoint/autograd/ops/elementwise.h>

#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/core/base/format.h>

namespace adjoint {

// For the slopes. Not in the namespace below: what has none by name is not found by its argument.
static Tensor indicator(const Tensor& condition, const Tensor& x) { return condition.to(x.dtype()); }

namespace {

using Input = const Tensor&;

// What a function with a slope gives back for g, where it saved s.
template <class F> Tensor slope_times(F f, const Tensor& g, const Tensor& s) {
    if (grad_enabled()) return g * f.slope(s);
    return apply::zip(F::name, functor::SlopeTimes<F>{f}, g, s);
}

// A function with a slope.
template <class F> struct Smooth : Function {
    static constexpr auto name = F::name;
    F f;
    Saved saved;

    explicit Smooth(F functor) : f(functor) {}
    template <class V> void attributes(V& v) const {
        if constexpr (requires { f.attributes(v); }) f.attributes(v);
    }
    Tensor forward(Input x) {
        Tensor y = apply::map(f, x, functor::takes_integers<F> ? x.dtype() : apply::real_type(x));
        if (!needs_any()) return y;
        if constexpr (F::saves == Saves::output)
            saved.keep_output(y);
        else
            saved = x;
        return y;
    }
    Grads backward(const Tensor& g) { return {slope_times(f, g, saved.get())}; }
};

// y = slope x + something
template <class F> struct Linear : Function {
    static constexpr auto name = F::name;
    F f;
    double slope;

    Linear(F functor, double s) : f(functor), slope(s) {}
    template <class V> void attributes(V& v) const {
        if constexpr (requires { f.attributes(v); }) f.attributes(v);
    }
    Tensor forward(Input x) { return apply::map(f, x, x.dtype()); }
    Grads backward(const Tensor& g) {
        if (slope == 1) return {g};
        return {slope == -1 ? neg(g) : g * slope};
    }
};

struct DivByScalar : Function {
    static constexpr auto name = functor::DivScalar::name;
    double s;
    explicit DivByScalar(double divisor) : s(divisor) {}
    template <class V> void attributes(V& v) const { v("s", s); }
    Tensor forward(Input x) { return apply::map(functor::DivScalar{s}, x, apply::real_type(x)); }
    Grads backward(const Tensor& g) { return {g / s}; }
};

// A step function: its gradient is zero.
template <class F> struct Steps : Function {
    static constexpr auto name = F::name;
    Tensor forward(Input x) { return apply::map(F{}, x, x.dtype()); }
    Grads backward(const Tensor& g) { return {zeros_like(g)}; }
};

template <class F> Tensor smooth(F f, Input x) { return record(Smooth<F>(f), x); }

template <class F> Tensor steps(Input x) {
    apply::check_defined(F::name, x);
    return is_floating(x.dtype()) ? record(Steps<F>{}, x) : x.clone();
}

template <class F> Tensor predicate(F f, Input x) {
    apply::check_defined(F::name, x);
    return composed(
        F::name, no_attributes,
        [&] { return apply::map(f, x, DType::boolean, compute_type(apply::real_type(x))); }, x);
}

// An integer tensor with a fraction becomes f32 first, a bool one with an integer i64.
Tensor lift(const char* op, Input x, const Scalar& s) {
    apply::check_defined(op, x);
    if (is_floating(x.dtype())) return x;
    if (!s.integral) return x.to(DType::f32);
    return x.dtype() == DType::boolean ? x.to(DType::i64) : x;
}

}  // namespace

Tensor neg(Input x) { return record(Linear(functor::Neg{}, -1), x); }
Tensor abs(Input x) { return smooth(functor::Abs{}, x); }
Tensor sign(Input x) {
    apply::check_defined("sign", x);
    if (is_floating(x.dtype())) return record(Steps<functor::Sign>{}, x);
    return composed(
        "sign", no_attributes, [&] { return apply::map(functor::Sign{}, x, x.dtype()); }, x);
}
Tensor floor(Input x) { return steps<functor::Floor>(x); }
Tensor ceil(Input x) { return steps<functor::Ceil>(x); }
Tensor trunc(Input x) { return steps<functor::Trunc>(x); }
Tensor round(Input x) { return steps<functor::Round>(x); }
Tensor exp(Input x) { return smooth(functor::Exp{}, x); }
Tensor expm1(Input x) { return smooth(functor::Expm1{}, x); }
Tensor log(Input x) { return smooth(functor::Log{}, x); }
Tensor log1p(Input x) { return smooth(functor::Log1p{}, x); }
Tensor log2(Input x) { return smooth(functor::Log2{}, x); }
Tensor log10(Input x) { return smooth(functor::Log10{}, x); }
Tensor sqrt(Input x) { return smooth(functor::Sqrt{}, x); }
Tensor rsqrt(Input x) { return smooth(functor::Rsqrt{}, x); }
Tensor square(Input x) { return smooth(functor::Square{}, x); }
Tensor reciprocal(Input x) { return smooth(functor::Reciprocal{}, x); }
Tensor sin(Input x) { return smooth(functor::Sin{}, x); }
Tensor cos(Input x) { return smooth(functor::Cos{}, x); }
Tensor tan(Input x) { return smooth(functor::Tan{}, x); }
Tensor asin(Input x) { return smooth(functor::Asin{}, x); }
Tensor acos(Input x) { return smooth(functor::Acos{}, x); }
Tensor atan(Input x) { return smooth(functor::Atan{}, x); }
Tensor sinh(Input x) { return smooth(functor::Sinh{}, x); }
Tensor cosh(Input x) { return smooth(functor::Cosh{}, x); }
Tensor tanh(Input x) { return smooth(functor::Tanh{}, x); }
Tensor asinh(Input x) { return smooth(functor::Asinh{}, x); }
Tensor acosh(Input x) { return smooth(functor::Acosh{}, x); }
Tensor atanh(Input x) { return smooth(functor::Atanh{}, x); }
Tensor erf(Input x) { return smooth(functor::Erf{}, x); }
Tensor erfc(Input x) { return smooth(functor::Erfc{}, x); }
Tensor isnan(Input x) { return predicate(functor::IsNan{}, x); }
Tensor isinf(Input x) { return predicate(functor::IsInf{}, x); }
Tensor isfinite(Input x) { return predicate(functor::IsFinite{}, x); }

Tensor clamp(Input x, double low, double high) { return smooth(functor::Clamp{low, high}, x); }

void apply::check_activation(const char* op, Activation activation) {
    check<ValueError>(activation <= last_activation, "{}: there is no activation of number {}", op,
                      static_cast<int>(activation));
}
Tensor apply::activated(Input x, Activation activation) {
    return visit_activation(activation, [&]<class F>(F f) -> Tensor {
        if constexpr (F::saves == Saves::nothing)
            return x;
        else
            return smooth(f, x);
    });
}
bool apply::saves_input(Activation activation) {
    return visit_activation(activation, []<class F>(F) { return F::saves == Saves::input; });
}
Tensor apply::activation_backward(Activation activation, const Tensor& g, const Tensor& saved) {
    return visit_activation(activation, [&]<class F>(F f) -> Tensor {
        if constexpr (F::saves == Saves::nothing)
            return g;
        else
            return slope_times(f, g, saved);
    });
}
Tensor relu(Input x) { return smooth(functor::Relu{}, x); }
Tensor relu6(Input x) { return smooth(functor::Relu6{}, x); }
Tensor leaky_relu(Input x, double negative_slope) { return smooth(functor::LeakyRelu{negative_slope}, x); }
Tensor elu(Input x, double alpha) { return smooth(functor::Elu{alpha, 1, 1}, x); }
Tensor celu(Input x, double alpha) {
    apply::check_defined("celu", x);
    check<ValueError>(alpha != 0, "celu: alpha is 0");
    return smooth(functor::Elu{alpha, 1, 1 / alpha}, x);
}
Tensor selu(Input x) {
    apply::check_defined("selu", x);
    // Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.
    return smooth(functor::Elu{1.6732632423543772848, 1.0507009873554804934, 1}, x);
}
Tensor sigmoid(Input x) { return record(fn::Sigmoid{}, x); }
Tensor logsigmoid(Input x) { return smooth(functor::LogSigmoid{}, x); }
Tensor silu(Input x) { return smooth(functor::Silu{}, x); }
Tensor softplus(Input x, double beta, double threshold) {
    check<ValueError>(beta != 0, "softplus: beta is 0");
    return smooth(functor::Softplus{beta, threshold}, x);
}
Tensor mish(Input x) { return smooth(functor::Mish{}, x); }
Tensor softsign(Input x) { return smooth(functor::Softsign{}, x); }
Tensor hardtanh(Input x, double low, double high) {
    check<ValueError>(low <= high, "hardtanh: the range [{}, {}] is empty", low, high);
    return smooth(functor::Hardtanh{low, high}, x);
}
Tensor hardsigmoid(Input x) { return smooth(functor::Hardsigmoid{}, x); }
Tensor hardswish(Input x) { return smooth(functor::Hardswish{}, x); }
Tensor gelu(Input x, GeluForm approximate) {
    return approximate == GeluForm::none ? smooth(functor::Gelu{}, x) : smooth(functor::GeluTanh{}, x);
}

Tensor prelu(Input x, Input weight) {
    apply::check_defined("prelu", x);
    apply::check_defined("prelu", weight);
    check<ShapeError>(
        weight.numel() == 1 || (weight.dim() == 1 && x.dim() >= 2 && weight.numel() == x.size(1)),
        "prelu: {} weights for an input of shape {}; give one, or one per channel (dimension 1)",
        weight.numel(), x.shape());
    Shape aligned = Shape::filled(std::max(x.dim(), 1), 1);
    if (weight.numel() > 1) aligned[1] = weight.numel();
    if (x.dim() == 0) aligned = {};
    const Tensor w = reshape(weight, aligned);
    return where(gt(x, 0), x, w * x);
}

namespace {

// Whether x is a tensor of integers and s one that double does not hold, so that s has to be a tensor, too.
bool needs_digits(Input x, const Scalar& s) { return !s.exact && x.defined() && !is_floating(x.dtype()); }
Tensor beside(Input x, const Scalar& s) { return Tensor(to_i64(s)).to(x.device()); }

// Whether a power of x and s is one of integers.
bool of_integers(Input x, const Scalar& s) { return s.integral && !is_floating(x.dtype()); }

}  // namespace

Tensor add_scalar(Input x, Scalar s) {
    if (needs_digits(x, s)) return x + beside(x, s);
    return record(Linear(functor::AddScalar{s.value}, 1), lift("add_scalar", x, s));
}
Tensor sub_scalar(Input x, Scalar s) {
    if (needs_digits(x, s)) return x - beside(x, s);
    return record(Linear(functor::AddScalar{-s.value}, 1), lift("sub_scalar", x, s));
}
Tensor rsub_scalar(Input x, Scalar s) {
    if (needs_digits(x, s)) return beside(x, s) - x;
    return record(Linear(functor::RsubScalar{s.value}, -1), lift("rsub_scalar", x, s));
}
Tensor mul_scalar(Input x, Scalar s) {
    if (needs_digits(x, s)) return x * beside(x, s);
    return record(Linear(functor::MulScalar{s.value}, s.value), lift("mul_scalar", x, s));
}
Tensor div_scalar(Input x, Scalar s) { return record(DivByScalar(s.value), x); }
Tensor rdiv_scalar(Input x, Scalar s) { return smooth(functor::RdivScalar{s.value}, x); }
Tensor pow_scalar(Input x, Scalar p) {
    apply::check_defined("pow_scalar", x);
    if (p.value == 2 && (is_floating(x.dtype()) || (p.integral && x.dtype() != DType::boolean)))
        return square(x);
    if (of_integers(x, p) && p.value >= 0) return pow(x, beside(x, p));
    return smooth(functor::PowScalar{p.value}, x);
}
Tensor scalar_pow(Scalar a, Input x) {
    apply::check_defined("scalar_pow", x);
    if (of_integers(x, a)) return pow(beside(x, a), x);
    return smooth(functor::ScalarPow{a.value, std::log(a.value)}, x);
}

namespace fn {

Tensor Sigmoid::forward(Input x) {
    Tensor out = apply::map(functor::Sigmoid{}, x, apply::real_type(x));
    if (needs_any()) y.keep_output(out);
    return out;
}

Grads Sigmoid::backward(const Tensor& g) {
    const Tensor s = y.get();
    if (grad_enabled()) return {g * functor::Sigmoid{}.slope(s)};
    return {apply::zip(name, functor::SlopeTimes<functor::Sigmoid>{}, g, s)};
}

}  // namespace fn
}  // namespace adjoint
