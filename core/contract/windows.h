// Where the windows of an axis lie: the arithmetic of unfolding and pooling, on host and device.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/calls/windows.h>

namespace adjoint {

/// The part first .. last - 1 of a range.
struct Range {
    std::int64_t first, last;
};

namespace detail {

// The k below `count` for which 0 <= start + k step < limit.
ADJOINT_HD Range steps_inside(std::int64_t start, std::int64_t step, std::int64_t limit, std::int64_t count) {
    std::int64_t first = start < 0 ? (-start + step - 1) / step : 0;
    std::int64_t last = start < limit ? (limit - start + step - 1) / step : 0;
    first = first < count ? first : count;
    last = last < count ? last : count;
    return {first, last > first ? last : first};
}

}  // namespace detail

/// The taps of the window `output` on an axis whose places are at least 0 and below `limit`.
ADJOINT_HD Range taps_inside(const Windows& w, int axis, std::int64_t output, std::int64_t limit) {
    return detail::steps_inside(output * w.stride[axis] - w.padding[axis], w.dilation[axis], limit,
                                w.kernel[axis]);
}

/// The windows on an axis for which the place of `tap` lies in the plane.
ADJOINT_HD Range outputs_inside(const Windows& w, int axis, std::int64_t tap) {
    return detail::steps_inside(tap * w.dilation[axis] - w.padding[axis], w.stride[axis], w.size[axis],
                                w.output[axis]);
}

/// The place that a tap of a window covers, -padding .. size + padding - 1.
ADJOINT_HD std::int64_t place(const Windows& w, int axis, std::int64_t output, std::int64_t tap) {
    return output * w.stride[axis] - w.padding[axis] + tap * w.dilation[axis];
}

/// The window whose tap covers a place of the plane, -1 if there is none.
ADJOINT_HD std::int64_t output_of(const Windows& w, int axis, std::int64_t at, std::int64_t tap) {
    const std::int64_t start = at + w.padding[axis] - tap * w.dilation[axis];
    if (start < 0 || start % w.stride[axis] != 0) return -1;
    const std::int64_t output = start / w.stride[axis];
    return output < w.output[axis] ? output : -1;
}

/// What the average of window (h, o) divides by; `rows` and `columns` are its taps inside the plane.
ADJOINT_HD std::int64_t average_count(const Windows& w, const Average& average, std::int64_t h,
                                      std::int64_t o, Range rows, Range columns) {
    if (average.divisor != 0) return average.divisor;
    if (average.count_padding)
        return taps_inside(w, 0, h, w.size[0] + w.padding[0]).last *
               taps_inside(w, 1, o, w.size[1] + w.padding[1]).last;
    return (rows.last - rows.first) * (columns.last - columns.first);
}

}  // namespace adjoint
