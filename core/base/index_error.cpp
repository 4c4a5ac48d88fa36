// The text for an index outside its range.
#include <adjoint/core/base/index_error.h>

#include <adjoint/core/base/format.h>

namespace adjoint {

void throw_index_error(const char* op, std::int64_t value, std::int64_t position, std::int64_t low,
                       std::int64_t high) {
    if (position >= 0)
        fail<IndexError>("{}: label {} at index {} is outside [{}, {}){}", op, value, position, low, high,
                         low == 0 && value == high ? "; classes are counted from 0" : "");
    fail<IndexError>("{}: index {} is outside [{}, {})", op, value, low, high);
}

}  // namespace adjoint
