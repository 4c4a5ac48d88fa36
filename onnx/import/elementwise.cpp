// Functions of one tensor, element by element, and activations.
#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

Kernel negative(const Build&) {
    return [](const Call& c) -> Values {
        if (!is_integer(c[0])) return {neg(c[0])};
        return {wrapped(map_integers(c[0], negated), c.type(0))};
    };
}

/// Floor, Ceil and Round of integers, which older versions of the set do not have, are the integers.
template <Tensor (*f)(const Tensor&)> Kernel rounding(const Build&) {
    return one([](const Call& c) { return is_floating(c[0].dtype()) ? f(c[0]) : c[0]; });
}

Kernel leaky_relu_of(const Build& b) {
    return one([slope = b.attributes.real("alpha", 0.01)](const Call& c) { return leaky_relu(c[0], slope); });
}

/// The slope broadcasts from the right, and from opset 7 on in no other way.
Kernel prelu_of(const Build& b) {
    return one([opset = b.opset](const Call& c) {
        const Tensor& x = c[0];
        Tensor slope = c[1];
        if (opset < 7 && slope.dim() == 1 && x.dim() > 1 && slope.numel() > 1) {
            Shape per_channel = Shape::filled(x.dim() - 1, 1);
            per_channel[0] = slope.numel();
            slope = reshape(slope, per_channel);
        }
        if (!is_floating(x.dtype())) return where(lt(x, filled({}, 0, x)), mul(x, slope), x);
        return relu(x) - slope * relu(neg(x));
    });
}

Kernel elu_of(const Build& b) {
    return one([alpha = b.attributes.real("alpha", 1)](const Call& c) { return elu(c[0], alpha); });
}
Kernel celu_of(const Build& b) {
    return one([alpha = b.attributes.real("alpha", 1)](const Call& c) { return celu(c[0], alpha); });
}

Kernel selu_of(const Build& b) {
    const double alpha = b.attributes.real("alpha", 1.67326319217681884765625);
    const double gamma = b.attributes.real("gamma", 1.05070102214813232421875);
    return one([=](const Call& c) { return elu(c[0], alpha) * gamma; });
}

Kernel hard_sigmoid_of(const Build& b) {
    const double alpha = b.attributes.real("alpha", 0.2), beta = b.attributes.real("beta", 0.5);
    return one([=](const Call& c) { return clamp(c[0] * alpha + beta, 0, 1); });
}

Kernel gelu_of(const Build& b) {
    const std::string approximate = b.attributes.text("approximate", "none");
    check<ValueError>(approximate == "none" || approximate == "tanh", "approximate is \"{}\"", approximate);
    const GeluForm form = approximate == "tanh" ? GeluForm::tanh : GeluForm::none;
    return one([form](const Call& c) { return gelu(c[0], form); });
}

Kernel thresholded_relu(const Build& b) {
    return one([alpha = b.attributes.real("alpha", 1)](const Call& c) {
        return where(gt(c[0], filled({}, alpha, c[0])), c[0], filled({}, 0, c[0]));
    });
}

Kernel shrink(const Build& b) {
    const double bias = b.attributes.real("bias", 0), lambda = b.attributes.real("lambd", 0.5);
    return one([=](const Call& c) {
        return in_floating(c[0], [&](const Tensor& x) {
            const Tensor zero = filled({}, 0, x);
            const Tensor low = where(lt(x, filled({}, -lambda, x)), x + bias, zero);
            return where(gt(x, filled({}, lambda, x)), x - bias, low);
        });
    });
}

Tensor limited(const Tensor& x, double low, double high) {
    // An infinite bound is none, whatever the type.
    const double most = is_floating(x.dtype()) ? infinite : 9.0e18;
    return clamp(x, std::max(low, -most), std::min(high, most));
}

/// The bounds are attributes before version 11, inputs from then on.
Kernel clip(const Build& b) {
    if (b.opset < 11) {
        b.attributes.ignore("consumed_inputs");
        const double low = b.attributes.real("min", -infinite), high = b.attributes.real("max", infinite);
        return one([=](const Call& c) { return limited(c[0], low, high); });
    }
    return one([](const Call& c) {
        const double low = c.has(1) ? c.number(1) : -infinite, high = c.has(2) ? c.number(2) : infinite;
        if (low > high) return filled(c[0].shape(), high, c[0]);
        return limited(c[0], low, high);
    });
}

Kernel identity(const Build& b) {
    b.attributes.ignore("consumed_inputs");
    return [](const Call& c) -> Values { return {Value(c[0], c.type(0))}; };
}

Kernel is_inf(const Build& b) {
    const bool negative = b.attributes.flag("detect_negative", true);
    const bool positive = b.attributes.flag("detect_positive", true);
    return one([=](const Call& c) {
        const Tensor zero = filled({}, 0, c[0]);
        const Tensor infinite_ones = isinf(c[0]);
        if (negative && positive) return infinite_ones;
        if (!negative && !positive) return ne(infinite_ones, infinite_ones);
        return logical_and(infinite_ones, positive ? gt(c[0], zero) : lt(c[0], zero));
    });
}

Kernel bitwise_not(const Build&) {
    return [](const Call& c) -> Values {
        const auto type = c.type(0);
        return {wrapped(map_integers(c[0], [](auto v) { return ~v; }), type)};
    };
}

Kernel cast_of(const Build& b) {
    b.attributes.ignore("saturate");
    b.attributes.ignore("round_mode");
    // Before version 6 the type is a word.
    const ElementType type = storable(b.attributes.integer("to"));
    return [type](const Call& c) -> Values { return {cast(c[0], type)}; };
}

Kernel cast_like(const Build& b) {
    b.attributes.ignore("saturate");
    b.attributes.ignore("round_mode");
    return [](const Call& c) -> Values { return {cast(c[0], c.type(1))}; };
}

constexpr InputSet bounds = set_of({1, 2});

}  // namespace

std::span<const Row> elementwise_rows() {
    static constexpr Row rows[] = {
        {"Abs", 1, unary<abs>},
        {"Acos", 7, unary<acos>},
        {"Acosh", 9, unary<acosh>},
        {"Asin", 7, unary<asin>},
        {"Asinh", 9, unary<asinh>},
        {"Atan", 7, unary<atan>},
        {"Atanh", 9, unary<atanh>},
        {"BitwiseNot", 18, bitwise_not},
        {"Cast", 6, cast_of},
        {"CastLike", 15, cast_like},
        {"Ceil", 1, rounding<ceil>},
        {"Celu", 12, celu_of},
        {"Clip", 1, clip, bounds},
        {"Cos", 7, unary<cos>},
        {"Cosh", 9, unary<cosh>},
        {"Elu", 1, elu_of},
        {"Erf", 9, unary<erf>},
        {"Exp", 1, unary<exp>},
        {"Floor", 1, rounding<floor>},
        {"Gelu", 20, gelu_of},
        {"HardSigmoid", 1, hard_sigmoid_of},
        {"HardSwish", 14, unary<hardswish>},
        {"Identity", 1, identity},
        {"IsInf", 10, is_inf},
        {"IsNaN", 9, unary<isnan>},
        {"LeakyRelu", 1, leaky_relu_of},
        {"Log", 1, unary<log>},
        {"Mish", 18, unary<mish>},
        {"Neg", 1, negative},
        {"Not", 1, unary<logical_not>},
        {"PRelu", 1, prelu_of},
        {"Reciprocal", 1, unary<reciprocal>},
        {"Relu", 1, unary<relu>},
        {"Round", 11, rounding<round>},
        {"Selu", 1, selu_of},
        {"Shrink", 9, shrink},
        {"Sigmoid", 1, unary<sigmoid>},
        {"Sign", 9, unary<sign>},
        {"Sin", 7, unary<sin>},
        {"Sinh", 9, unary<sinh>},
        {"Softplus", 1, [](const Build&) { return one([](const Call& c) { return softplus(c[0]); }); }},
        {"Softsign", 1, unary<softsign>},
        {"Sqrt", 1, unary<sqrt>},
        {"Tan", 7, unary<tan>},
        {"Tanh", 1, unary<tanh>},
        {"ThresholdedRelu", 10, thresholded_relu},
    };
    return rows;
}

}  // namespace adjoint::onnx
