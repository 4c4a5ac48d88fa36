// The closed lists of elementwise functors that cross the Backend contract, as variants.
#pragma once

#include <adjoint/core/contract/functors/activation.h>
#include <adjoint/core/contract/functors/binary.h>
#include <adjoint/core/contract/functors/elementary.h>
#include <adjoint/core/contract/functors/list.h>
#include <adjoint/core/contract/functors/scalar.h>

namespace adjoint {

namespace functor {

/// Functions of one variable without a slope (their gradient is 0 or needs no kernel of its own).
using FlatUnary = FunctorList<Copy, Neg, Sign, Floor, Ceil, Trunc, Round, IsNan, IsInf, IsFinite, LogicalNot,
                              AddScalar, RsubScalar, MulScalar, ScaleShift, DivScalar>;

/// Functions of one variable with a slope.
using SmoothUnary =
    FunctorList<Abs, Exp, Expm1, Log, Log1p, Log2, Log10, Sqrt, Rsqrt, Square, Reciprocal, Sin, Cos, Tan,
                Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Erf, Erfc, Relu, Relu6, LeakyRelu,
                Elu, Sigmoid, LogSigmoid, Silu, Softplus, Mish, Softsign, Hardtanh, Hardsigmoid, Hardswish,
                Gelu, GeluTanh, Clamp, RdivScalar, PowScalar, ScalarPow>;

/// Functions of two variables.
using Arithmetic = FunctorList<Add, Sub, Mul, Div, Pow, Atan2, Maximum, Minimum, GreaterShare, Eq, Ne, Lt, Le,
                               Gt, Ge, LogicalAnd, LogicalOr>;

template <class A, class B> struct Concat;
template <class... As, class... Bs> struct Concat<FunctorList<As...>, FunctorList<Bs...>> {
    using type = FunctorList<As..., Bs...>;
};

template <class L> struct Slopes;
template <class... Fs> struct Slopes<FunctorList<Fs...>> { using type = FunctorList<SlopeTimes<Fs>...>; };

using UnaryList = Concat<FlatUnary, SmoothUnary>::type;
using BinaryList = Concat<Arithmetic, Slopes<SmoothUnary>::type>::type;

/// Whether F keeps integers.
template <class F> inline constexpr bool takes_integers = requires { requires F::integers; };

}  // namespace functor

/// A function of one variable, of two, chosen at run time.
using UnaryOp = functor::UnaryList::Variant;
using BinaryOp = functor::BinaryList::Variant;

}  // namespace adjoint
