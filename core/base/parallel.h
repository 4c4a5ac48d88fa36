// How many threads the CPU uses, and which instruction set.
#pragma once

#include <adjoint/core/base/export.h>

namespace adjoint {

/// Threads of the CPU backend, the caller among them: ADJOINT_NUM_THREADS,
/// else the cores this process may use.
ADJOINT_API int num_threads();
/// Results do not depend on the number, to the last bit.
/// errors: ValueError if n < 1.
ADJOINT_API void set_num_threads(int n);
/// The instruction set level in use: "v2", "v3", "v4" of x86-64, or "generic".
ADJOINT_API const char* cpu_level();
/// Who computes matrix products on the CPU: "own", "onednn" or "openblas", chosen when the library was built.
ADJOINT_API const char* cpu_blas();

}  // namespace adjoint
