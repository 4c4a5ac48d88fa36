#include <adjoint/core/base/build.h>

namespace adjoint {

bool is_optimised() noexcept {
#if defined(__OPTIMIZE__)
    return true;
#else
    return false;
#endif
}

}  // namespace adjoint
