// Windows as columns and back, and pooling: a thread for each element of the result, which walks over the
// taps in the order in which the CPU adds them up.
#include <adjoint/core/contract/window_axis.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/packs.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// An axis of the windows as kernels count on it: with D = Divisor in 32 bits and without a division, with
/// WideDivisor in 64.
template <class D> struct SlidingAxis {
    using Number = std::make_signed_t<typename D::Number>;
    Number size, output, kernel, stride, padding, dilation;
    D sizes, outputs, kernels, strides, dilations;

    SlidingAxis(const Windows& w, int axis)
        : size(static_cast<Number>(w.size[axis])),
          output(static_cast<Number>(w.output[axis])),
          kernel(static_cast<Number>(w.kernel[axis])),
          stride(static_cast<Number>(w.stride[axis])),
          padding(static_cast<Number>(w.padding[axis])),
          dilation(static_cast<Number>(w.dilation[axis])),
          sizes(w.size[axis]),
          outputs(w.output[axis]),
          kernels(w.kernel[axis]),
          strides(w.stride[axis]),
          dilations(w.dilation[axis]) {}
    ADJOINT_HD Number by_stride(Number n) const { return divided(strides, n); }
    ADJOINT_HD Number by_dilation(Number n) const { return divided(dilations, n); }
    ADJOINT_HD static Number divided(const D& by, Number n) {
        return static_cast<Number>(by.divide(static_cast<typename D::Number>(n)));
    }
};

template <class D> struct Sliding {
    using Number = typename SlidingAxis<D>::Number;
    SlidingAxis<D> y, x;
    Number plane, windows;  // elements and windows of a plane

    explicit Sliding(const Windows& w)
        : y(w, 0),
          x(w, 1),
          plane(static_cast<Number>(w.plane())),
          windows(static_cast<Number>(w.outputs())) {}
};

/// An element's number as a row and a column of something of `width` x `height`, and the number of that.
template <class Number> struct PlanePlace {
    Number number, row, column;
    template <class D> ADJOINT_HD PlanePlace(Number element, const D& width, const D& height) {
        const Number line = SlidingAxis<D>::divided(width, element);
        number = SlidingAxis<D>::divided(height, line);
        row = line - number * static_cast<Number>(height.value);
        column = element - line * static_cast<Number>(width.value);
    }
};

/// Runs f(element) for each element of the grid's loop; with 32 bits there is room for a step beyond the end.
template <class Number, class F> ADJOINT_DEVICE void for_elements(Number count, F f) {
    const Number step = static_cast<Number>(gridDim.x) * static_cast<Number>(blockDim.x);
    for (Number e = static_cast<Number>(blockIdx.x) * static_cast<Number>(blockDim.x) +
                    static_cast<Number>(threadIdx.x);
         e < count; e += step) {
        f(e);
        if (count - e <= step) break;
    }
}

/// Calls f(window, tap) for the taps i = 0, 1 .. that lie on the place of an axis.
template <class Axis, class F> ADJOINT_DEVICE void for_taps(const Axis& a, typename Axis::Number place, F f) {
    for (typename Axis::Number tap = 0; tap < a.kernel; ++tap) {
        const typename Axis::Number window = output_of(a, place, tap);
        if (window >= 0) f(window, tap);
    }
}
/// Calls f(window) for the windows that see the place of an axis, in their order. Without holes between the
/// taps they are a run, whose ends take one division each.
template <class Axis, class F>
ADJOINT_DEVICE void for_windows(const Axis& a, typename Axis::Number place, F f) {
    using Number = typename Axis::Number;
    if (a.dilation != 1) {
        for (Number tap = a.kernel - 1; tap >= 0; --tap) {
            const Number window = output_of(a, place, tap);
            if (window >= 0) f(window);
        }
        return;
    }
    const Number at = place + a.padding, past = a.by_stride(at) + 1;
    const Number first = at < a.kernel ? Number(0) : a.by_stride(at - a.kernel) + 1,
                 end = past < a.output ? past : a.output;
    for (Number window = first; window < end; ++window) f(window);
}

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    unfold_elements(const Sliding<D> s, const Number count, T* columns, const T* x) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> window(e, s.x.outputs, s.y.outputs);
        const PlanePlace<Number> tap(window.number, s.x.kernels, s.y.kernels);
        const Number row = place(s.y, window.row, tap.row), column = place(s.x, window.column, tap.column);
        const bool inside = row >= 0 && row < s.y.size && column >= 0 && column < s.x.size;
        columns[e] = inside ? x[std::int64_t{tap.number} * s.plane + row * s.x.size + column] : T(0);
    });
}

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    fold_elements(const Sliding<D> s, const Number count, T* x, const T* columns) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> at(e, s.x.sizes, s.y.sizes);
        const T* from = columns + std::int64_t{at.number} * s.y.kernel * s.x.kernel * s.windows;
        T total = T(0);
        for_taps(s.y, at.row, [&](Number h, Number i) {
            for_taps(s.x, at.column, [&](Number v, Number j) {
                total += from[(i * s.x.kernel + j) * std::int64_t{s.windows} + h * s.x.output + v];
            });
        });
        x[e] = total;
    });
}

/// The part of a window that lies in its plane.
template <class Number> struct Inside {
    RangeOf<Number> rows, columns;
    Number first;         // the place of the first tap
    Number down, across;  // from tap to tap
    template <class D>
    ADJOINT_HD Inside(const Sliding<D>& s, const PlanePlace<Number>& window)
        : rows(taps_inside(s.y, window.row, s.y.size)),
          columns(taps_inside(s.x, window.column, s.x.size)),
          first(place(s.y, window.row, rows.first) * s.x.size + place(s.x, window.column, columns.first)),
          down(s.y.dilation * s.x.size),
          across(s.x.dilation) {}
    template <class F> ADJOINT_DEVICE void for_places(F f) const {
        Number line = first;
        for (Number i = rows.first; i < rows.last; ++i, line += down) {
            Number at = line;
            for (Number j = columns.first; j < columns.last; ++j, at += across) f(at);
        }
    }
};

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    max_pool_elements(const Sliding<D> s, const Number count, T* y, std::int64_t* indices, const T* x) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> window(e, s.x.outputs, s.y.outputs);
        const T* plane = x + std::int64_t{window.number} * s.plane;
        const Inside<Number> inside(s, window);
        Number best_place = inside.first;
        T best = plane[best_place];
        inside.for_places([&](Number at) {
            const T value = plane[at];
            if (value > best || (value != value && best == best)) {
                best = value;
                best_place = at;
            }
        });
        y[e] = best;
        if (indices != nullptr) indices[e] = best_place;
    });
}

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    max_pool_backward_elements(const Sliding<D> s, const Number count, T* dx, const T* g,
                               const std::int64_t* indices) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> at(e, s.x.sizes, s.y.sizes);
        const std::int64_t base = std::int64_t{at.number} * s.windows, own = at.row * s.x.size + at.column;
        T total = T(0);
        for_windows(s.y, at.row, [&](Number h) {
            for_windows(s.x, at.column, [&](Number v) {
                const std::int64_t o = base + h * s.x.output + v;
                if (indices[o] == own) total += g[o];
            });
        });
        dx[e] = total;
    });
}

/// The same where no place is seen by two windows: a thread for each window writes all of what lies from its
/// first place to the next window's, `width` elements of a row at a time.
template <class T, int width, class Number>
__global__ void __launch_bounds__(spread_threads)
    max_pool_backward_cells(const Sliding<Divisor> s, const Number count, T* dx, const T* g,
                            const std::int64_t* indices) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> window(e, s.x.outputs, s.y.outputs);
        T* const plane = dx + std::int64_t{window.number} * s.plane;
        const Number own = static_cast<Number>(indices[e]);
        const T upstream = g[e];
        const Number top = window.row * s.y.stride, left = window.column * s.x.stride;
        const Number bottom = window.row + 1 < s.y.output ? top + s.y.stride : s.y.size,
                     right = window.column + 1 < s.x.output ? left + s.x.stride : s.x.size;
        for (Number row = top; row < bottom; ++row)
            for (Number column = left; column < right; column += width) {
                const Number at = row * s.x.size + column;
                Group<T, width> cell;
                ADJOINT_UNROLL
                for (int k = 0; k < width; ++k) cell.values[k] = at + k == own ? upstream : T(0);
                *reinterpret_cast<Group<T, width>*>(plane + at) = cell;
            }
    });
}

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    avg_pool_elements(const Sliding<D> s, const Average average, const Number count, T* y, const T* x) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> window(e, s.x.outputs, s.y.outputs);
        const T* plane = x + std::int64_t{window.number} * s.plane;
        const Inside<Number> inside(s, window);
        T total = T(0);
        inside.for_places([&](Number at) { total += plane[at]; });
        y[e] = total / static_cast<T>(average_count(s.y, s.x, average, window.row, window.column, inside.rows,
                                                    inside.columns));
    });
}

template <class T, class D, class Number>
__global__ void __launch_bounds__(spread_threads)
    avg_pool_backward_elements(const Sliding<D> s, const Average average, const Number count, T* dx,
                               const T* g) {
    wait_for_earlier();
    for_elements(count, [&](Number e) {
        const PlanePlace<Number> at(e, s.x.sizes, s.y.sizes);
        const T* upstream = g + std::int64_t{at.number} * s.windows;
        T total = T(0);
        for_windows(s.y, at.row, [&](Number h) {
            const RangeOf<Number> rows = taps_inside(s.y, h, s.y.size);
            for_windows(s.x, at.column, [&](Number v) {
                const RangeOf<Number> columns = taps_inside(s.x, v, s.x.size);
                total += upstream[h * s.x.output + v] /
                         static_cast<T>(average_count(s.y, s.x, average, h, v, rows, columns));
            });
        });
        dx[e] = total;
    });
}

namespace {

template <class T, class P> auto* at(P* base, std::int64_t element) {
    using Target = std::conditional_t<std::is_const_v<P>, const T, T>;
    return static_cast<Target*>(base) + element;
}

// Calls f(T{}, windows, first plane, elements) for parts of the planes whose element numbers have 32 bits, or
// for all of them in 64 bits where one plane, which has `per_plane` elements of the result, is
// too large by itself.
template <class F>
void for_plane_pieces(const DeviceState& device, const Windows& windows, std::int64_t per_plane, F f) {
    const std::int64_t planes = windows.batch * windows.channels;
    if (planes * per_plane == 0) return;
    visit_real(windows.dtype, [&](auto type) {
        // Ends of windows, of which the last may lie beyond the padding.
        std::int64_t farthest = 0;
        for (int axis = 0; axis < 2; ++axis)
            farthest =
                std::max(farthest, windows.size[axis] + 2 * windows.padding[axis] +
                                       windows.kernel[axis] * windows.dilation[axis] + windows.stride[axis]);
        if (std::max(per_plane, windows.plane()) > device.narrow || farthest > device.narrow) {
            f(type, Sliding<WideDivisor>(windows), 0, planes * per_plane);
            return;
        }
        const Sliding<Divisor> sliding(windows);
        const std::int64_t together = device.narrow / per_plane;
        for (std::int64_t first = 0; first < planes; first += together)
            f(type, sliding, first,
              static_cast<std::int32_t>(std::min(together, planes - first) * per_plane));
    });
}

}  // namespace

void on(CudaBackend& cuda, const call::Unfold& c) {
    const std::int64_t size = c.windows.taps() * c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, size,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename Sliding<D>::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "unfold", &unfold_elements<T, D, typename Sliding<D>::Number>,
                               spread.grid, spread.block, s, count, at<T>(c.columns, first * size),
                               at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::Fold& c) {
    const std::int64_t size = c.windows.taps() * c.windows.outputs(), plane = c.windows.plane();
    for_plane_pieces(
        cuda.device, c.windows, plane,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename Sliding<D>::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "fold", &fold_elements<T, D, typename Sliding<D>::Number>,
                               spread.grid, spread.block, s, count, at<T>(c.x, first * plane),
                               at<T>(c.columns, first * size));
        });
}

void on(CudaBackend& cuda, const call::MaxPool& c) {
    const std::int64_t outputs = c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, outputs,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename Sliding<D>::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "max_pool", &max_pool_elements<T, D, typename Sliding<D>::Number>,
                               spread.grid, spread.block, s, count, at<T>(c.y, first * outputs),
                               c.indices != nullptr ? c.indices + first * outputs : nullptr,
                               at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::MaxPoolBackward& c) {
    const Windows& w = c.windows;
    const std::int64_t plane = w.plane(), windows = w.outputs();
    bool apart = true;
    for (int axis = 0; axis < 2; ++axis)
        apart = apart && w.dilation[axis] == 1 && w.padding[axis] == 0 && w.kernel[axis] <= w.stride[axis];
    const auto by_window = [&]<class T>(T, const Sliding<Divisor>& s, std::int64_t first,
                                        std::int32_t count) {
        const bool pairs = w.stride[1] == 2 && w.size[1] % 2 == 0;
        const Spread spread(cuda.device, count);
        launch_independent(cuda.device, "max_pool",
                           pairs ? &max_pool_backward_cells<T, 2, std::int32_t>
                                 : &max_pool_backward_cells<T, 1, std::int32_t>,
                           spread.grid, spread.block, s, count, at<T>(c.dx, first * plane),
                           at<T>(c.g, first * windows), c.indices + first * windows);
    };
    const auto by_element = [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first,
                                                  typename Sliding<D>::Number count) {
        const Spread spread(cuda.device, count);
        launch_independent(cuda.device, "max_pool",
                           &max_pool_backward_elements<T, D, typename Sliding<D>::Number>, spread.grid,
                           spread.block, s, count, at<T>(c.dx, first * plane), at<T>(c.g, first * windows),
                           c.indices + first * windows);
    };
    for_plane_pieces(cuda.device, w, apart ? windows : plane,
                     [&]<class T, class D>(T type, const Sliding<D>& s, std::int64_t first, auto count) {
                         if constexpr (std::is_same_v<D, Divisor>) {
                             if (apart)
                                 by_window(type, s, first, count);
                             else
                                 by_element(type, s, first, count);
                         } else {
                             by_element(type, s, first, apart ? count / windows * plane : count);
                         }
                     });
}

void on(CudaBackend& cuda, const call::AvgPool& c) {
    const std::int64_t outputs = c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, outputs,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename Sliding<D>::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "avg_pool", &avg_pool_elements<T, D, typename Sliding<D>::Number>,
                               spread.grid, spread.block, s, c.average, count, at<T>(c.y, first * outputs),
                               at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::AvgPoolBackward& c) {
    const std::int64_t plane = c.windows.plane();
    for_plane_pieces(
        cuda.device, c.windows, plane,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename Sliding<D>::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "avg_pool",
                               &avg_pool_backward_elements<T, D, typename Sliding<D>::Number>, spread.grid,
                               spread.block, s, c.average, count, at<T>(c.dx, first * plane),
                               at<T>(c.g, first * c.windows.outputs()));
        });
}

}  // namespace adjoint::cuda_backend
