// The geometry of windows from a function's arguments, checked. Private.
#pragma once

#include <cstdint>
#include <span>

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/core/contract/calls/windows.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint::windows {

struct Settings {
    HeightWidth kernel, stride = 1, padding = 0, dilation = 1;
    bool ceil_mode = false;
};

/// Windows over the last two dimensions of x (N, C, H, W); an axis of a 1-d function is the second.
/// errors: ValueError for a setting out of range, ShapeError for a kernel larger than the padded input.
Windows over(const char* op, const Tensor& x, const Settings& settings);

/// The attributes of windows: two numbers each, of the height and of the width.
template <class V> void list(V& v, const Windows& w) {
    v("size", std::span<const std::int64_t>(w.size));
    v("kernel", std::span<const std::int64_t>(w.kernel));
    v("stride", std::span<const std::int64_t>(w.stride));
    v("padding", std::span<const std::int64_t>(w.padding));
    v("dilation", std::span<const std::int64_t>(w.dilation));
    v("output", std::span<const std::int64_t>(w.output));
}

/// x with a dimension in front if it has only `rank` - 1.
/// errors: ShapeError for any other rank; DTypeError unless floating.
Tensor batched(const char* op, const Tensor& x, int rank);
/// The result for an input that batched() may have grown.
Tensor like_input(const Tensor& y, const Tensor& x, int rank);

/// Throws ValueError unless both numbers are in [least, 2^31).
void check_setting(const char* op, const char* what, HeightWidth value, std::int64_t least);

}  // namespace adjoint::windows
