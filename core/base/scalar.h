// A number beside a tensor: any arithmetic type of C++, with all digits of an integer.
#pragma once

#include <cstdint>
#include <type_traits>

#include <adjoint/core/base/export.h>

namespace adjoint {

template <class T>
concept Number = std::is_arithmetic_v<T>;

/// A number beside a tensor; an integer keeps an integer tensor integer.
struct Scalar {
    double value;
    std::int64_t integer = 0;  ///< an integer's 64 bits
    bool integral;
    bool exact = true;  ///< whether `value` is the number: beyond 2^53 not every integer is a double

    template <Number T>
    constexpr Scalar(T number) noexcept
        : value(static_cast<double>(number)), integral(std::is_integral_v<T>) {
        if constexpr (std::is_integral_v<T>) {
            integer = static_cast<std::int64_t>(number);
            exact = value < 9223372036854775808.0 && static_cast<std::int64_t>(value) == integer;
        }
    }
};

/// The integer that a scalar holds.
/// errors: ValueError for an unsigned one of 2^63 or more.
ADJOINT_API std::int64_t to_i64(const Scalar& number);

}  // namespace adjoint
