// Unary elementwise mathematics: each function's value and slope in one struct, for every device.
//
// A functor has value(x) and, where the function is differentiable, slope(s): the derivative, written in the
// saved input or output (`saves` says which). `integers` marks those that keep integer tensors integer.
#pragma once

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/math.h>

namespace adjoint {

/// What the backward pass of a unary function needs.
enum class Saves { nothing, input, output };

namespace functor {

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
    template <class T> ADJOINT_HD T slope(T x) const { return x > T(0) ? T(1) : (x < T(0) ? T(-1) : T(0)); }
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
    template <class T> ADJOINT_HD T slope(T y) const { return y + T(1); }
};

struct Log {
    static constexpr const char* name = "log";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / x; }
};

struct Log1p {
    static constexpr const char* name = "log1p";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log1p(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / (x + T(1)); }
};

struct Log2 {
    static constexpr const char* name = "log2";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log2(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1.4426950408889634074) / x; }
};

struct Log10 {
    static constexpr const char* name = "log10";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::log10(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(0.43429448190325182765) / x; }
};

struct Sqrt {
    static constexpr const char* name = "sqrt";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::sqrt(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return T(0.5) / y; }
};

struct Rsqrt {
    static constexpr const char* name = "rsqrt";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return T(1) / math::sqrt(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return T(-0.5) * y * y * y; }
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
    template <class T> ADJOINT_HD T slope(T x) const { return math::cos(x); }
};

struct Cos {
    static constexpr const char* name = "cos";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::cos(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return -math::sin(x); }
};

struct Tan {
    static constexpr const char* name = "tan";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::tan(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return y * y + T(1); }
};

struct Asin {
    static constexpr const char* name = "asin";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::asin(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / math::sqrt((T(1) - x) * (T(1) + x)); }
};

struct Acos {
    static constexpr const char* name = "acos";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::acos(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(-1) / math::sqrt((T(1) - x) * (T(1) + x)); }
};

struct Atan {
    static constexpr const char* name = "atan";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::atan(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / (x * x + T(1)); }
};

struct Sinh {
    static constexpr const char* name = "sinh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::sinh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return math::cosh(x); }
};

struct Cosh {
    static constexpr const char* name = "cosh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::cosh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return math::sinh(x); }
};

struct Tanh {
    static constexpr const char* name = "tanh";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::tanh(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return T(1) - y * y; }
};

struct Asinh {
    static constexpr const char* name = "asinh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::asinh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / math::sqrt(x * x + T(1)); }
};

struct Acosh {
    static constexpr const char* name = "acosh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::acosh(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return T(1) / (math::sqrt(x - T(1)) * math::sqrt(x + T(1)));
    }
};

struct Atanh {
    static constexpr const char* name = "atanh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::atanh(x); }
    template <class T> ADJOINT_HD T slope(T x) const { return T(1) / ((T(1) - x) * (T(1) + x)); }
};

struct Erf {
    static constexpr const char* name = "erf";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::erf(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return T(1.1283791670955125739) * math::exp(-(x * x));  // 2 / sqrt(pi)
    }
};

struct Erfc {
    static constexpr const char* name = "erfc";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return math::erfc(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return T(-1.1283791670955125739) * math::exp(-(x * x));
    }
};

}  // namespace functor
}  // namespace adjoint
