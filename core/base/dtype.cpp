// Type promotion, and types as text.
#include <adjoint/core/base/dtype.h>

#include <ostream>

namespace adjoint {

std::ostream& operator<<(std::ostream& out, DType type) { return out << name(type); }

DType promote(DType a, DType b) noexcept {
    if (a == b) return a;
    if (is_floating(a) && is_floating(b)) {
        const bool both_small = size_of(a) == 2 && size_of(b) == 2;
        if (both_small) return DType::f32;
        return size_of(a) > size_of(b) ? a : b;
    }
    if (is_floating(a)) return a;
    if (is_floating(b)) return b;
    if (a == DType::boolean) return b;
    if (b == DType::boolean) return a;
    return size_of(a) > size_of(b) ? a : b;
}

}  // namespace adjoint
