// Windows as columns and back, and pooling: a thread for each element of the result, which walks over the
// taps in the order in which the CPU adds them up.
#include <adjoint/core/contract/windows.h>
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/places.h>

namespace adjoint::cuda_backend {

/// The windows, with what takes element numbers apart: Divisor or WideDivisor.
template <class D> struct Sliding {
    Windows windows;
    D width, height;                // of a plane
    D output_width, output_height;  // of its windows
    D kernel_width, kernel_height;
    D stride_width, stride_height;

    explicit Sliding(const Windows& w)
        : windows(w),
          width(w.size[1]),
          height(w.size[0]),
          output_width(w.output[1]),
          output_height(w.output[0]),
          kernel_width(w.kernel[1]),
          kernel_height(w.kernel[0]),
          stride_width(w.stride[1]),
          stride_height(w.stride[0]) {}
};

/// An element's number as a row and a column of something of `width` x `height`, and the number of that.
struct PlanePlace {
    std::int64_t number, row, column;
    template <class D> ADJOINT_HD PlanePlace(typename D::Number element, const D& width, const D& height) {
        const auto line = width.divide(element), above = height.divide(line);
        number = above;
        row = line - above * height.value;
        column = element - line * width.value;
    }
};

/// Runs f(element) for each element of the grid's loop.
template <class Number, class F> ADJOINT_DEVICE void for_elements(Number count, F f) {
    const Number step = Number{gridDim.x} * blockDim.x;
    for (Number e = Number{blockIdx.x} * blockDim.x + threadIdx.x; e < count; e += step) f(e);
}

/// Calls f(window, tap) for the taps i = 0, 1 .. that lie on the place of an axis.
template <class F> ADJOINT_DEVICE void for_taps(const Windows& w, int axis, std::int64_t place, F f) {
    for (std::int64_t tap = 0; tap < w.kernel[axis]; ++tap) {
        const std::int64_t window = output_of(w, axis, place, tap);
        if (window >= 0) f(window, tap);
    }
}
/// Calls f(window) for the windows that see the place of an axis, in their order. Without holes between the
/// taps they are a run, whose ends take one division each.
template <class D, class F>
ADJOINT_DEVICE void for_windows(const Sliding<D>& s, int axis, std::int64_t place, F f) {
    const Windows& w = s.windows;
    if (w.dilation[axis] != 1) {
        for (std::int64_t tap = w.kernel[axis] - 1; tap >= 0; --tap) {
            const std::int64_t window = output_of(w, axis, place, tap);
            if (window >= 0) f(window);
        }
        return;
    }
    using Number = typename D::Number;
    const D& stride = axis == 0 ? s.stride_height : s.stride_width;
    const auto at = static_cast<Number>(place + w.padding[axis]),
               kernel = static_cast<Number>(w.kernel[axis]), outputs = static_cast<Number>(w.output[axis]);
    const Number first = at < kernel ? Number(0) : stride.divide(at - kernel) + 1,
                 past = stride.divide(at) + 1, end = past < outputs ? past : outputs;
    for (Number window = first; window < end; ++window) f(static_cast<std::int64_t>(window));
}

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    unfold_elements(const Sliding<D> s, const typename D::Number count, T* columns, const T* x) {
    const Windows& w = s.windows;
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace window(e, s.output_width, s.output_height);
        const PlanePlace tap(static_cast<typename D::Number>(window.number), s.kernel_width, s.kernel_height);
        const std::int64_t row = place(w, 0, window.row, tap.row);
        const std::int64_t column = place(w, 1, window.column, tap.column);
        const bool inside = row >= 0 && row < w.size[0] && column >= 0 && column < w.size[1];
        columns[e] = inside ? x[tap.number * w.plane() + row * w.size[1] + column] : T(0);
    });
}

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    fold_elements(const Sliding<D> s, const typename D::Number count, T* x, const T* columns) {
    const Windows& w = s.windows;
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace at(e, s.width, s.height);
        const T* from = columns + at.number * w.taps() * w.outputs();
        T total = T(0);
        for_taps(w, 0, at.row, [&](std::int64_t h, std::int64_t i) {
            for_taps(w, 1, at.column, [&](std::int64_t v, std::int64_t j) {
                total += from[(i * w.kernel[1] + j) * w.outputs() + h * w.output[1] + v];
            });
        });
        x[e] = total;
    });
}

/// The part of a window that lies in its plane.
struct Inside {
    Range rows, columns;
    std::int64_t first;         // the place of the first tap
    std::int64_t down, across;  // from tap to tap
    ADJOINT_HD Inside(const Windows& w, const PlanePlace& window)
        : rows(taps_inside(w, 0, window.row, w.size[0])),
          columns(taps_inside(w, 1, window.column, w.size[1])),
          first(place(w, 0, window.row, rows.first) * w.size[1] + place(w, 1, window.column, columns.first)),
          down(w.dilation[0] * w.size[1]),
          across(w.dilation[1]) {}
    template <class F> ADJOINT_DEVICE void for_places(F f) const {
        for (std::int64_t i = 0; i < rows.last - rows.first; ++i)
            for (std::int64_t j = 0; j < columns.last - columns.first; ++j) f(first + i * down + j * across);
    }
};

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    max_pool_elements(const Sliding<D> s, const typename D::Number count, T* y, std::int64_t* indices,
                      const T* x) {
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace window(e, s.output_width, s.output_height);
        const T* plane = x + window.number * s.windows.plane();
        const Inside inside(s.windows, window);
        std::int64_t best_place = inside.first;
        T best = plane[best_place];
        inside.for_places([&](std::int64_t at) {
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

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    max_pool_backward_elements(const Sliding<D> s, const typename D::Number count, T* dx, const T* g,
                               const std::int64_t* indices) {
    const Windows& w = s.windows;
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace at(e, s.width, s.height);
        const std::int64_t base = at.number * w.outputs(), own = at.row * w.size[1] + at.column;
        T total = T(0);
        for_windows(s, 0, at.row, [&](std::int64_t h) {
            for_windows(s, 1, at.column, [&](std::int64_t v) {
                const std::int64_t o = base + h * w.output[1] + v;
                if (indices[o] == own) total += g[o];
            });
        });
        dx[e] = total;
    });
}

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    avg_pool_elements(const Sliding<D> s, const Average average, const typename D::Number count, T* y,
                      const T* x) {
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace window(e, s.output_width, s.output_height);
        const T* plane = x + window.number * s.windows.plane();
        const Inside inside(s.windows, window);
        T total = T(0);
        inside.for_places([&](std::int64_t at) { total += plane[at]; });
        y[e] = total / static_cast<T>(average_count(s.windows, average, window.row, window.column,
                                                    inside.rows, inside.columns));
    });
}

template <class T, class D>
__global__ void __launch_bounds__(spread_threads)
    avg_pool_backward_elements(const Sliding<D> s, const Average average, const typename D::Number count,
                               T* dx, const T* g) {
    const Windows& w = s.windows;
    for_elements(count, [&](typename D::Number e) {
        const PlanePlace at(e, s.width, s.height);
        const T* upstream = g + at.number * w.outputs();
        T total = T(0);
        for_windows(s, 0, at.row, [&](std::int64_t h) {
            const Range rows = taps_inside(w, 0, h, w.size[0]);
            for_windows(s, 1, at.column, [&](std::int64_t v) {
                const Range columns = taps_inside(w, 1, v, w.size[1]);
                total += upstream[h * w.output[1] + v] /
                         static_cast<T>(average_count(w, average, h, v, rows, columns));
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
        const std::int64_t farthest = std::max(windows.size[0] + windows.padding[0] + windows.kernel[0],
                                               windows.size[1] + windows.padding[1] + windows.kernel[1]);
        if (per_plane > device.narrow || farthest > device.narrow) {
            f(type, Sliding<WideDivisor>(windows), 0, planes * per_plane);
            return;
        }
        const Sliding<Divisor> sliding(windows);
        const std::int64_t together = device.narrow / per_plane;
        for (std::int64_t first = 0; first < planes; first += together)
            f(type, sliding, first,
              static_cast<std::uint32_t>(std::min(together, planes - first) * per_plane));
    });
}

}  // namespace

void on(CudaBackend& cuda, const call::Unfold& c) {
    const std::int64_t size = c.windows.taps() * c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, size,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "unfold", &unfold_elements<T, D>, spread.grid, spread.block, s,
                               count, at<T>(c.columns, first * size), at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::Fold& c) {
    const std::int64_t size = c.windows.taps() * c.windows.outputs(), plane = c.windows.plane();
    for_plane_pieces(
        cuda.device, c.windows, plane,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "fold", &fold_elements<T, D>, spread.grid, spread.block, s, count,
                               at<T>(c.x, first * plane), at<T>(c.columns, first * size));
        });
}

void on(CudaBackend& cuda, const call::MaxPool& c) {
    const std::int64_t outputs = c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, outputs,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "max_pool", &max_pool_elements<T, D>, spread.grid, spread.block,
                               s, count, at<T>(c.y, first * outputs),
                               c.indices != nullptr ? c.indices + first * outputs : nullptr,
                               at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::MaxPoolBackward& c) {
    const std::int64_t plane = c.windows.plane();
    for_plane_pieces(
        cuda.device, c.windows, plane,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const std::int64_t outputs = first * c.windows.outputs();
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "max_pool", &max_pool_backward_elements<T, D>, spread.grid,
                               spread.block, s, count, at<T>(c.dx, first * plane), at<T>(c.g, outputs),
                               c.indices + outputs);
        });
}

void on(CudaBackend& cuda, const call::AvgPool& c) {
    const std::int64_t outputs = c.windows.outputs();
    for_plane_pieces(
        cuda.device, c.windows, outputs,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "avg_pool", &avg_pool_elements<T, D>, spread.grid, spread.block,
                               s, c.average, count, at<T>(c.y, first * outputs),
                               at<T>(c.x, first * c.windows.plane()));
        });
}

void on(CudaBackend& cuda, const call::AvgPoolBackward& c) {
    const std::int64_t plane = c.windows.plane();
    for_plane_pieces(
        cuda.device, c.windows, plane,
        [&]<class T, class D>(T, const Sliding<D>& s, std::int64_t first, typename D::Number count) {
            const Spread spread(cuda.device, count);
            launch_independent(cuda.device, "avg_pool", &avg_pool_backward_elements<T, D>, spread.grid,
                               spread.block, s, c.average, count, at<T>(c.dx, first * plane),
                               at<T>(c.g, first * c.windows.outputs()));
        });
}

}  // namespace adjoint::cuda_backend
