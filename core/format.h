// Messages: fmt, the formatters of our types, and `check`. Private: only .cpp files include it.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>

#include <adjoint/core/error.h>

namespace adjoint {

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

}  // namespace adjoint
