// Messages: fmt, the formatters of our types, and `check`. Private: only .cpp files include it.
#pragma once

#include <fmt/format.h>
#if FMT_VERSION >= 110000  // before, it was there with the rest
#include <fmt/ranges.h>
#endif

#include <cmath>
#include <string>
#include <utility>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/base/shape.h>

// A message that is not needed is not made: shapes and devices are passed as they are.
template <> struct fmt::formatter<adjoint::Shape> : fmt::formatter<std::string> {
    auto format(const adjoint::Shape& shape, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(adjoint::to_string(shape), context);
    }
};
template <> struct fmt::formatter<adjoint::Device> : fmt::formatter<std::string> {
    auto format(adjoint::Device device, fmt::format_context& context) const {
        return fmt::formatter<std::string>::format(adjoint::to_string(device), context);
    }
};

namespace adjoint {

/// A number as text shows it: a NaN has no sign.
inline double shown(double value) { return std::isnan(value) ? std::abs(value) : value; }

/// Throws Kind with the formatted message.
template <class Kind, class... Args>
[[noreturn]] __attribute__((cold, noinline)) void fail(fmt::format_string<Args...> text, Args&&... args) {
    throw Kind(fmt::format(text, std::forward<Args>(args)...));
}

/// Throws Kind with the formatted message unless `ok` holds.
template <class Kind, class... Args>
inline void check(bool ok, fmt::format_string<Args...> text, Args&&... args) {
    if (!ok) [[unlikely]]
        fail<Kind>(text, std::forward<Args>(args)...);
}

/// f(), whose errors lead with the name of the operation that is made of it.
template <class F> decltype(auto) named(const char* operation, F&& f) {
    try {
        return f();
    } catch (...) {
        rethrow_named(operation);
    }
}

}  // namespace adjoint
