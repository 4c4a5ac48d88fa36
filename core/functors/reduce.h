// Reductions as functors: a start value and an associative step.
#pragma once

#include <limits>
#include <variant>

#include <adjoint/core/functors/functors.h>

namespace adjoint {

namespace functor {

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
    template <class T> ADJOINT_HD static T start() {
        // A constant: device code may not call these functions.
        constexpr T lowest = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                                  : std::numeric_limits<T>::lowest();
        return lowest;
    }
    template <class T> ADJOINT_HD T value(T a, T b) const { return Maximum{}.value(a, b); }
};

struct Min {
    static constexpr const char* name = "min";
    template <class T> ADJOINT_HD static T start() {
        constexpr T highest = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                                   : std::numeric_limits<T>::max();
        return highest;
    }
    template <class T> ADJOINT_HD T value(T a, T b) const { return Minimum{}.value(a, b); }
};

using ReduceList = FunctorList<Sum, Prod, Max, Min>;

}  // namespace functor

using ReduceOp = functor::ReduceList::Variant;

}  // namespace adjoint
