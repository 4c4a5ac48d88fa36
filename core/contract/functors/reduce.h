// Reductions as functors: a start value and an associative step.
#pragma once

#include <limits>
#include <variant>

#include <adjoint/core/contract/functors/functors.h>

namespace adjoint {

namespace functor {

namespace detail {
// Constants, because device code may not call the functions of numeric_limits.
template <class T> using Limits = std::numeric_limits<T>;
template <class T>
inline constexpr T least = Limits<T>::has_infinity ? -Limits<T>::infinity() : Limits<T>::lowest();
template <class T>
inline constexpr T greatest = Limits<T>::has_infinity ? Limits<T>::infinity() : Limits<T>::max();
}  // namespace detail

struct Sum {
    static constexpr const char* name = "sum";
    template <class T> ADJOINT_HD static T start() { return T(0); }
    template <class T> ADJOINT_HD T value(T a, T b) const { return a + b; }
};

struct Prod {
    static constexpr const char* name = "prod";
    template <class T> ADJOINT_HD static T start() { return T(1); }
    template <class T> ADJOINT_HD T value(T a, T b) const { return a * b; }
};

struct Max {
    static constexpr const char* name = "max";
    template <class T> ADJOINT_HD static T start() { return detail::least<T>; }
    template <class T> ADJOINT_HD T value(T a, T b) const { return Maximum{}.value(a, b); }
};

struct Min {
    static constexpr const char* name = "min";
    template <class T> ADJOINT_HD static T start() { return detail::greatest<T>; }
    template <class T> ADJOINT_HD T value(T a, T b) const { return Minimum{}.value(a, b); }
};

using ReduceList = FunctorList<Sum, Prod, Max, Min>;
using ScanList = FunctorList<Sum, Prod>;

}  // namespace functor

using ReduceOp = functor::ReduceList::Variant;
using ScanOp = functor::ScanList::Variant;

}  // namespace adjoint
