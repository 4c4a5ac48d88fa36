// Unary elementwise mathematics: each function's value and slope in one struct, for every device.
//
// A functor has value(x) and, where the function is differentiable, slope(s): the derivative, written in the
// saved input or output (`saves` says which). `integers` marks those that keep integer tensors integer. One
// with parameters lists them in attributes().
//
// A slope is one text for numbers, in kernels, and for tensors, where the backward pass is recorded.
// Functions of tensors are found by their argument, so a slope calls functions without a namespace, and says
// where(c, a, b) for c ? a : b.
#pragma once

#include <type_traits>

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/math.h>

namespace adjoint {

/// What the backward pass of a unary function needs.
enum class Saves { nothing, input, output };

namespace functor {

using math::abs;
using math::cos;
using math::cosh;
using math::erf;
using math::exp;
using math::pow;
using math::sigmoid;
using math::sin;
using math::sinh;
using math::sqrt;
using math::tanh;

/// The type of a fraction beside a T: T itself, and double beside a tensor.
template <class T> using Real = std::conditional_t<std::is_arithmetic_v<T>, T, double>;

template <class T> ADJOINT_HD T where(bool condition, T a, T b) { return condition ? a : b; }
ADJOINT_HD bool logical_and(bool a, bool b) { return a && b; }
// Of numbers alone, so that a tensor finds its own.
template <class T>
requires std::is_arithmetic_v<T> ADJOINT_HD T full_like(T, double value) { return T(value); }
/// 1 where the condition holds, else 0, in the type of the second argument.
template <class T> ADJOINT_HD T indicator(bool condition, T) { return condition ? T(1) : T(0); }

struct Copy {
    static constexpr const char* name = "copy";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return x; }
};

// The functions below are plain formulas; this macro-free shape is repeated on purpose:
// name, saves, value, slope.

struct Neg {
    static constexpr const char* name = "neg";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return -x; }
};

struct Abs {
    static constexpr const char* name = "abs";
    static constexpr Saves saves = Saves::input;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return x < T(0) ? -x : (x == T(0) ? T(0) : x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return where(x > 0, full_like(x, 1), where(x < 0, full_like(x, -1), full_like(x, 0)));
    }
};

struct Sign {
    static constexpr const char* name = "sign";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return x > T(0) ? T(1) : (x < T(0) ? T(-1) : x); }
};

struct Floor {
    static constexpr const char* name = "floor";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::floor(x); }
};

struct Ceil {
    static constexpr const char* name = "ceil";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::ceil(x); }
};

struct Trunc {
    static constexpr const char* name = "trunc";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::trunc(x); }
};

struct Round {
    static constexpr const char* name = "round";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::round(x); }
};

struct IsNan {
    static constexpr const char* name = "isnan";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::isnan(x) ? T(1) : T(0); }
};

struct IsInf {
    static constexpr const char* name = "isinf";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const {
        return !math::isnan(x) && math::isnan(x * T(0)) ? T(1) : T(0);
    }
};

struct IsFinite {
    static constexpr const char* name = "isfinite";
    static constexpr Saves saves = Saves::nothing;
    template <class T> ADJOINT_HD T value(T x) const { return math::isnan(x * T(0)) ? T(0) : T(1); }
};

struct LogicalNot {
    static constexpr const char* name = "logical_not";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return x == T(0) ? T(1) : T(0); }
};

struct Exp {
    static constexpr const char* name = "exp";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::exp(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return y; }
};

struct Expm1 {
    static constexpr const char* name = "expm1";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::expm1(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return y + 1; }
};

struct Log {
    static constexpr const char* name = "log";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / x; }
};

struct Log1p {
    static constexpr const char* name = "log1p";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log1p(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / (x + 1); }
};

struct Log2 {
    static constexpr const char* name = "log2";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log2(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return Real<T>(1.4426950408889634074) / x; }
};

struct Log10 {
    static constexpr const char* name = "log10";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log10(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return Real<T>(0.43429448190325182765) / x; }
};

struct Sqrt {
    static constexpr const char* name = "sqrt";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::sqrt(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return Real<T>(0.5) / y; }
};

struct Rsqrt {
    static constexpr const char* name = "rsqrt";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return T(1) / math::sqrt(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return Real<T>(-0.5) * y * y * y; }
};

struct Square {
    static constexpr const char* name = "square";
    static constexpr Saves saves = Saves::input;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const { return x * x; }
    template <class T> ADJOINT_HD T slope(T x) const { return x + x; }
};

struct Reciprocal {
    static constexpr const char* name = "reciprocal";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return T(1) / x; }
    template <class T> ADJOINT_HD T slope(T y) const { return -(y * y); }
};

struct Sin {
    static constexpr const char* name = "sin";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::sin(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return cos(x); }
};

struct Cos {
    static constexpr const char* name = "cos";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::cos(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return -sin(x); }
};

struct Tan {
    static constexpr const char* name = "tan";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::tan(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return y * y + 1; }
};

struct Asin {
    static constexpr const char* name = "asin";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::asin(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / sqrt((1 - x) * (1 + x)); }
};

struct Acos {
    static constexpr const char* name = "acos";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::acos(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return -1 / sqrt((1 - x) * (1 + x)); }
};

struct Atan {
    static constexpr const char* name = "atan";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::atan(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / (x * x + 1); }
};

struct Sinh {
    static constexpr const char* name = "sinh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::sinh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return cosh(x); }
};

struct Cosh {
    static constexpr const char* name = "cosh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::cosh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return sinh(x); }
};

struct Tanh {
    static constexpr const char* name = "tanh";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::tanh(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return 1 - y * y; }
};

struct Asinh {
    static constexpr const char* name = "asinh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::asinh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / sqrt(x * x + 1); }
};

struct Acosh {
    static constexpr const char* name = "acosh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::acosh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / (sqrt(x - 1) * sqrt(x + 1)); }
};

struct Atanh {
    static constexpr const char* name = "atanh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::atanh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return 1 / ((1 - x) * (1 + x)); }
};

struct Erf {
    static constexpr const char* name = "erf";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::erf(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return Real<T>(1.1283791670955125739) * exp(-(x * x));  // 2 / sqrt(pi)
    }
};

struct Erfc {
    static constexpr const char* name = "erfc";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::erfc(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return Real<T>(-1.1283791670955125739) * exp(-(x * x));
    }
};

}  // namespace functor
}  // namespace adjoint
