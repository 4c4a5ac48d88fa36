#include <adjoint/core/base/scalar.h>

#include <adjoint/core/base/format.h>

namespace adjoint {

std::int64_t to_i64(const Scalar& number) {
    // The bits of a large unsigned integer read as a negative one.
    check<ValueError>(number.integer >= 0 || number.value < 0,
                      "scalar: {} is no i64, whose largest number is 2^63 - 1",
                      static_cast<std::uint64_t>(number.integer));
    return number.integer;
}

}  // namespace adjoint
