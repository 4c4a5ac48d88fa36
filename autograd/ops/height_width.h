// A setting of a convolution or pooling along two axes.
#pragma once

#include <cstdint>

namespace adjoint {

/// One number for both axes, or height and width: {.stride = 2}, {.stride = {2, 1}}.
struct HeightWidth {
    static constexpr std::int64_t unset = INT64_MIN;

    /// Left out: the function's own choice.
    constexpr HeightWidth() = default;
    constexpr HeightWidth(std::int64_t both) : height(both), width(both) {}
    constexpr HeightWidth(std::int64_t h, std::int64_t w) : height(h), width(w) {}
    constexpr bool given() const { return height != unset || width != unset; }

    std::int64_t height = unset, width = unset;
};

}  // namespace adjoint
