// A fact of the deflate format that readers of packed files share. Private.
#pragma once

#include <cstdint>

namespace adjoint::data {

/// No deflate stream unpacks to more bytes for each of its own: 258 from two bits.
inline constexpr std::uint64_t deflate_ratio = 1032;

}  // namespace adjoint::data
