// Warnings: hints at usual mistakes that are not errors, on standard error, each once in a process.
//
// ADJOINT_WARNINGS=0 in the environment or set_warnings(false) silences them.
#pragma once

#include <functional>
#include <string>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// Whether warnings are said at all.
ADJOINT_API void set_warnings(bool enabled) noexcept;
/// True, unless they were silenced.
ADJOINT_API bool warnings_enabled() noexcept;

/// Takes a warning in the place of the standard error.
using WarningHandler = std::function<void(const std::string& message)>;
/// Who gets the warnings, of all threads, from now on; {}: standard error again.
/// What has been said may be said again.
ADJOINT_API void set_warning_handler(WarningHandler handler);

/// Gives a warning, unless one of this topic has been given.
/// The handler is not called by two threads at once; it may itself give warnings, or set another handler.
ADJOINT_API void warn_once(const std::string& topic, const std::string& message);

}  // namespace adjoint
