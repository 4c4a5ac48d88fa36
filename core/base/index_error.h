// The text for an index outside its range: one for every device, whether it was found on the host or reported
// by a kernel.
#pragma once

#include <cstdint>

namespace adjoint {

/// Throws the IndexError of `op` for `value` outside [low, high);
/// a `position` of at least 0 is that of a label.
[[noreturn]] void throw_index_error(const char* op, std::int64_t value, std::int64_t position,
                                    std::int64_t low, std::int64_t high);

}  // namespace adjoint
