// Where the windows of an axis lie: the arithmetic of unfolding and pooling, on host and device.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/calls/windows.h>
#include <adjoint/core/contract/window_axis.h>

namespace adjoint {

using Range = RangeOf<std::int64_t>;

/// An axis of windows as it is said.
struct WindowAxis {
    using Number = std::int64_t;
    Number size, output, kernel, stride, padding, dilation;

    ADJOINT_HD WindowAxis(const Windows& w, int axis)
        : size(w.size[axis]),
          output(w.output[axis]),
          kernel(w.kernel[axis]),
          stride(w.stride[axis]),
          padding(w.padding[axis]),
          dilation(w.dilation[axis]) {}
    ADJOINT_HD Number by_stride(Number n) const { return n / stride; }
    ADJOINT_HD Number by_dilation(Number n) const { return n / dilation; }
};

ADJOINT_HD Range taps_inside(const Windows& w, int axis, std::int64_t output, std::int64_t limit) {
    return taps_inside(WindowAxis(w, axis), output, limit);
}

/// The windows on an axis for which the place of `tap` lies in the plane.
ADJOINT_HD Range outputs_inside(const Windows& w, int axis, std::int64_t tap) {
    const WindowAxis a(w, axis);
    return detail::steps_inside(tap * a.dilation - a.padding, a.stride, a.size, a.output,
                                [&a](std::int64_t n) { return a.by_stride(n); });
}

ADJOINT_HD std::int64_t place(const Windows& w, int axis, std::int64_t output, std::int64_t tap) {
    return place(WindowAxis(w, axis), output, tap);
}

ADJOINT_HD std::int64_t average_count(const Windows& w, const Average& average, std::int64_t h,
                                      std::int64_t o, Range rows, Range columns) {
    return average_count(WindowAxis(w, 0), WindowAxis(w, 1), average, h, o, rows, columns);
}

}  // namespace adjoint
