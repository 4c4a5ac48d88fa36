// A thread's working memory for packed operands: kept between calls, so that no call allocates.
#pragma once

#include <cstddef>

#include <adjoint/core/base/export.h>

namespace adjoint::cpu {

/// At least `bytes` of memory of this thread, aligned to 64 bytes, valid until the thread's next call.
/// errors: OutOfMemoryError.
ADJOINT_API void* scratch(std::size_t bytes);

}  // namespace adjoint::cpu
