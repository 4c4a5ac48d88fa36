// The order of sorting: NaN is larger than every number, and the place decides among equals.
#pragma once

#include <cstdint>

#include <adjoint/core/contract/math.h>

namespace adjoint {

/// Whether element a at place `i` comes before b at place `j`.
template <class T> ADJOINT_HD bool sorts_before(T a, std::int64_t i, T b, std::int64_t j, bool descending) {
    const bool less = a < b || (math::isnan(b) && !math::isnan(a));
    const bool greater = b < a || (math::isnan(a) && !math::isnan(b));
    if (less || greater) return less != descending;
    return i < j;
}

}  // namespace adjoint
