// Where the windows of an axis lie, in whatever numbers an axis counts: kernels have one
// that divides without dividing.
//
// An Axis has a type Number, the numbers size, output, kernel, stride, padding and dilation of struct
// Windows, and by_stride(n) and by_dilation(n), which divide.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/calls/windows.h>

namespace adjoint {

/// The part first .. last - 1 of a range.
template <class Number> struct RangeOf { Number first, last; };

namespace detail {

// The k below `count` for which 0 <= start + k step < limit; `divide` divides by the step.
template <class Number, class Divide>
ADJOINT_HD RangeOf<Number> steps_inside(Number start, Number step, Number limit, Number count,
                                        Divide divide) {
    Number first = start < 0 ? divide(-start + step - 1) : 0;
    Number last = start < limit ? divide(limit - start + step - 1) : 0;
    first = first < count ? first : count;
    last = last < count ? last : count;
    return {first, last > first ? last : first};
}

}  // namespace detail

/// The taps of the window `output` whose places are at least 0 and below `limit`.
template <class Axis>
ADJOINT_HD RangeOf<typename Axis::Number> taps_inside(const Axis& a, typename Axis::Number output,
                                                      typename Axis::Number limit) {
    using Number = typename Axis::Number;
    return detail::steps_inside<Number>(output * a.stride - a.padding, a.dilation, limit, a.kernel,
                                        [&a](Number n) { return a.by_dilation(n); });
}

/// The place that a tap of a window covers, -padding .. size + padding - 1.
template <class Axis>
ADJOINT_HD typename Axis::Number place(const Axis& a, typename Axis::Number output,
                                       typename Axis::Number tap) {
    return output * a.stride - a.padding + tap * a.dilation;
}

/// The window whose tap covers a place of the plane, -1 if there is none.
template <class Axis>
ADJOINT_HD typename Axis::Number output_of(const Axis& a, typename Axis::Number at,
                                           typename Axis::Number tap) {
    const typename Axis::Number start = at + a.padding - tap * a.dilation;
    if (start < 0) return -1;
    const typename Axis::Number output = a.by_stride(start);
    return output * a.stride == start && output < a.output ? output : -1;
}

/// What the average of window (h, o) divides by; `rows` and `columns` are its taps inside the plane.
template <class Axis>
ADJOINT_HD std::int64_t average_count(const Axis& y, const Axis& x, const Average& average,
                                      typename Axis::Number h, typename Axis::Number o,
                                      RangeOf<typename Axis::Number> rows,
                                      RangeOf<typename Axis::Number> columns) {
    if (average.divisor != 0) return average.divisor;
    if (average.count_padding)
        return std::int64_t{taps_inside(y, h, y.size + y.padding).last} *
               taps_inside(x, o, x.size + x.padding).last;
    return std::int64_t{rows.last - rows.first} * (columns.last - columns.first);
}

}  // namespace adjoint
