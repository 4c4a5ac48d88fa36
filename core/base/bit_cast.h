// Reinterpretation of a value's bits, on host and device, at compile time too.
#pragma once

#include <adjoint/core/base/export.h>

namespace adjoint {

/// The value of type To with the bits of `from`; both types have the same size.
template <typename To, typename From> ADJOINT_HD constexpr To bit_cast(From from) {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, from);
}

}  // namespace adjoint
