// Conversion of one element between types, for every device.
#pragma once

#include <cstdint>
#include <type_traits>

#include <adjoint/core/base/export.h>
#include <adjoint/core/base/half.h>

namespace adjoint {

template <class To, class From> ADJOINT_HD To convert(From x) {
    if constexpr (std::is_same_v<To, From>)
        return x;
    else if constexpr (std::is_same_v<To, bool>)
        return x != From(0);
    else if constexpr (std::is_same_v<To, half> || std::is_same_v<To, bfloat16>)
        return To(static_cast<float>(x));
    else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>)
        return static_cast<To>(
            static_cast<std::int64_t>(x));  // out of range wraps instead of being undefined per type
    else
        return static_cast<To>(x);
}

}  // namespace adjoint
