// Binary elementwise functors: arithmetic, comparison, and the backward step of a unary function.
#pragma once

#include <adjoint/core/contract/functors/elementary.h>

namespace adjoint::functor {

/// g times the slope of F at what F saved: the whole backward pass of a unary function.
template <class F> struct SlopeTimes {
    static constexpr const char* name = F::name;
    F f;
    template <class T> ADJOINT_HD T value(T g, T saved) const { return g * f.slope(saved); }
};

struct Add {
    static constexpr const char* name = "add";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a + b; }
};

struct Sub {
    static constexpr const char* name = "sub";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a - b; }
};

struct Mul {
    static constexpr const char* name = "mul";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a * b; }
};

struct Div {
    static constexpr const char* name = "div";
    template <class T> ADJOINT_HD T value(T a, T b) const { return a / b; }
};

struct Pow {
    static constexpr const char* name = "pow";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return math::pow(a, b); }
};

struct Atan2 {
    static constexpr const char* name = "atan2";
    template <class T> ADJOINT_HD T value(T a, T b) const { return math::atan2(a, b); }
};

/// The larger; NaN if either is NaN.
struct Maximum {
    static constexpr const char* name = "maximum";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a > b || math::isnan(a) ? a : b; }
};

/// The smaller; NaN if either is NaN.
struct Minimum {
    static constexpr const char* name = "minimum";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a < b || math::isnan(a) ? a : b; }
};

/// The part of the gradient of max(a, b) that goes to a: 1, 0, or 1/2 where they are equal.
struct GreaterShare {
    static constexpr const char* name = "greater_share";
    template <class T> ADJOINT_HD T value(T a, T b) const { return a > b ? T(1) : (a == b ? T(0.5) : T(0)); }
};

struct Eq {
    static constexpr const char* name = "eq";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a == b ? T(1) : T(0); }
};

struct Ne {
    static constexpr const char* name = "ne";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a != b ? T(1) : T(0); }
};

struct Lt {
    static constexpr const char* name = "lt";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a < b ? T(1) : T(0); }
};

struct Le {
    static constexpr const char* name = "le";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a <= b ? T(1) : T(0); }
};

struct Gt {
    static constexpr const char* name = "gt";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a > b ? T(1) : T(0); }
};

struct Ge {
    static constexpr const char* name = "ge";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return a >= b ? T(1) : T(0); }
};

struct LogicalAnd {
    static constexpr const char* name = "logical_and";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return (a != T(0) && b != T(0)) ? T(1) : T(0); }
};

struct LogicalOr {
    static constexpr const char* name = "logical_or";
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T a, T b) const { return (a != T(0) || b != T(0)) ? T(1) : T(0); }
};

}  // namespace adjoint::functor
