// Where the windows of an axis lie: the arithmetic shared by unfolding and pooling.
#pragma once

#include <algorithm>
#include <cstdint>

#include <adjoint/core/backend.h>

namespace adjoint::cpu {

/// The part first .. last - 1 of a range.
struct Range {
    std::int64_t first, last;
};

/// The taps of the window `output` on an axis whose places are at least 0 and below `limit`.
inline Range taps_inside(const Windows& w, int axis, std::int64_t output, std::int64_t limit) {
    const std::int64_t start = output * w.stride[axis] - w.padding[axis], step = w.dilation[axis];
    const std::int64_t first = start < 0 ? (-start + step - 1) / step : 0;
    const std::int64_t last = start < limit ? (limit - start + step - 1) / step : 0;
    return {std::min(first, w.kernel[axis]),
            std::clamp(last, std::min(first, w.kernel[axis]), w.kernel[axis])};
}

/// The windows on an axis for which the place of `tap` lies in the plane.
inline Range outputs_inside(const Windows& w, int axis, std::int64_t tap) {
    const std::int64_t start = tap * w.dilation[axis] - w.padding[axis], step = w.stride[axis];
    const std::int64_t first = start < 0 ? (-start + step - 1) / step : 0;
    const std::int64_t last = start < w.size[axis] ? (w.size[axis] - start + step - 1) / step : 0;
    return {std::min(first, w.output[axis]),
            std::clamp(last, std::min(first, w.output[axis]), w.output[axis])};
}

/// The place that a tap of a window covers, -padding .. size + padding - 1.
inline std::int64_t place(const Windows& w, int axis, std::int64_t output, std::int64_t tap) {
    return output * w.stride[axis] - w.padding[axis] + tap * w.dilation[axis];
}

}  // namespace adjoint::cpu
