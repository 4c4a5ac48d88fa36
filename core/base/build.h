// How the library was built. Private.
#pragma once

#include <adjoint/core/base/export.h>

namespace adjoint {

/// Whether what computes was compiled with optimisation; the floors above need not be.
ADJOINT_API bool is_optimised() noexcept;

}  // namespace adjoint
