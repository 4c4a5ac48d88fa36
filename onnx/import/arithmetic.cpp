// Arithmetic, comparison and logic of several tensors, which broadcast.
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

/// Before version 7 the second operand broadcasts only if asked to, from the left end at `axis`.
std::function<Tensor(const Call&)> second_operand(const Build& b) {
    b.attributes.ignore("consumed_inputs");
    if (b.opset >= 7) return [](const Call& c) { return c[1]; };
    b.attributes.ignore("broadcast");
    const bool aligned = b.attributes.has("axis");
    return [aligned, axis = b.attributes.integer("axis", 0)](const Call& c) {
        const Tensor& x = c[1];
        if (!aligned || x.dim() == 0) return x;
        Shape shape = x.shape();
        const int start = wrapped_axis(axis, c[0].dim());
        while (start + shape.size() < c[0].dim()) shape.push_back(1);
        return reshape(x, shape);
    };
}

template <Tensor (*f)(const Tensor&, const Tensor&)> Kernel arithmetic(const Build& b) {
    if (b.opset >= 7)
        return [](const Call& c) -> Values {
            const Tensor y = f(c[0], c[1]);
            return {is_integer(y) ? wrapped(y, c.type(0)) : Value(y)};
        };
    return one([second = second_operand(b)](const Call& c) { return f(c[0], second(c)); });
}

std::int64_t quotient(std::int64_t a, std::int64_t b) {
    check<ValueError>(b != 0, "an integer is divided by 0");
    return b == -1 ? negated(a) : a / b;
}

/// Of integers the quotient rounds towards 0.
Tensor divided(const Tensor& a, const Tensor& b) {
    return is_integer(a) && is_integer(b) ? map_integers(a, b, quotient) : div(a, b);
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    std::uint64_t result = 1, factor = static_cast<std::uint64_t>(base);
    for (; exponent > 0; exponent /= 2, factor *= factor)
        if (exponent % 2 == 1) result *= factor;
    return static_cast<std::int64_t>(result);
}

/// The result has the type of the base.
Kernel power_of(const Build& b) {
    return one([second = second_operand(b)](const Call& c) {
        const Tensor& x = c[0];
        const Tensor exponent = second(c);
        if (is_integer(x) && is_integer(exponent)) return map_integers(x, exponent, power);
        if (is_integer(x)) return pow(x.to(DType::f64), exponent.to(DType::f64)).to(x.dtype());
        if (const auto known = c.known(1)) {
            if (*known == 2 && x.dim() >= exponent.dim()) return square(x);
            if (x.dim() >= exponent.dim()) return pow_scalar(x, *known);
        }
        return pow(x, exponent.to(x.dtype()));
    });
}

/// The sign of the result is that of the divisor, with fmod that of the dividend.
Kernel modulo(const Build& b) {
    const bool fmod = b.attributes.flag("fmod");
    return one([fmod](const Call& c) {
        if (is_integer(c[0]))
            return map_integers(c[0], c[1], [fmod](std::int64_t x, std::int64_t y) {
                const std::int64_t rest = y == -1 ? 0 : x - quotient(x, y) * y;
                return !fmod && rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
            });
        const Tensor x = c[0].to(DType::f64), y = c[1].to(DType::f64);
        const Tensor times = fmod ? trunc(x / y) : floor(x / y);
        return (x - times * y).to(c[0].dtype());
    });
}

/// The operands joined from the left.
template <Tensor (*f)(const Tensor&, const Tensor&)> Kernel variadic(const Build& b) {
    b.attributes.ignore("consumed_inputs");
    return [](const Call& c) -> Values {
        Tensor y = c[0];
        for (std::size_t i = 1; i < c.inputs.size(); ++i) y = f(y, c[i]);
        return {Value(y, c.type(0))};
    };
}

Kernel mean_of(const Build& b) {
    return [add_all = variadic<add>(b)](const Call& c) -> Values {
        return {add_all(c)[0].tensor / static_cast<double>(c.inputs.size())};
    };
}

template <Tensor (*f)(const Tensor&, const Tensor&)> Kernel compared(const Build& b) {
    return one([second = second_operand(b)](const Call& c) { return f(c[0], second(c)); });
}

template <std::int64_t (*f)(std::int64_t, std::int64_t)> Kernel bitwise(const Build&) {
    return one([](const Call& c) { return map_integers(c[0], c[1], f); });
}
std::int64_t bits_and(std::int64_t a, std::int64_t b) { return a & b; }
std::int64_t bits_or(std::int64_t a, std::int64_t b) { return a | b; }
std::int64_t bits_xor(std::int64_t a, std::int64_t b) { return a ^ b; }

Kernel bit_shift(const Build& b) {
    const std::string direction = b.attributes.text("direction", "");
    check<ValueError>(direction == "LEFT" || direction == "RIGHT", "direction is \"{}\"", direction);
    return [left = direction == "LEFT"](const Call& c) -> Values {
        const Tensor y = map_integers(c[0], c[1], [left](std::int64_t x, std::int64_t n) -> std::int64_t {
            if (n < 0 || n > 63) return 0;
            const auto bits = static_cast<std::uint64_t>(x);
            return static_cast<std::int64_t>(left ? bits << n : bits >> n);
        });
        return {wrapped(y, c.type(0))};
    };
}

Kernel where_of(const Build&) {
    return [](const Call& c) -> Values { return {Value(where(c[0], c[1], c[2]), c.type(1))}; };
}

constexpr InputSet compares = all_inputs;

}  // namespace

std::span<const Row> arithmetic_rows() {
    static constexpr Row rows[] = {
        {"Add", 1, arithmetic<add>},
        {"And", 1, compared<logical_and>},
        {"BitShift", 11, bit_shift},
        {"BitwiseAnd", 18, bitwise<bits_and>},
        {"BitwiseOr", 18, bitwise<bits_or>},
        {"BitwiseXor", 18, bitwise<bits_xor>},
        {"Div", 1, arithmetic<divided>},
        {"Equal", 1, compared<eq>, 0, Nature::plain, compares},
        {"Greater", 1, compared<gt>, 0, Nature::plain, compares},
        {"GreaterOrEqual", 12, compared<ge>, 0, Nature::plain, compares},
        {"Less", 1, compared<lt>, 0, Nature::plain, compares},
        {"LessOrEqual", 12, compared<le>, 0, Nature::plain, compares},
        {"Max", 1, variadic<maximum>},
        {"Mean", 1, mean_of},
        {"Min", 1, variadic<minimum>},
        {"Mod", 10, modulo},
        {"Mul", 1, arithmetic<mul>},
        {"Or", 1, compared<logical_or>},
        {"Pow", 1, power_of, 0, Nature::plain, set_of({1})},
        {"Sub", 1, arithmetic<sub>},
        {"Sum", 1, variadic<add>},
        {"Where", 9, where_of},
        {"Xor", 1, compared<ne>},
    };
    return rows;
}

}  // namespace adjoint::onnx
