// Windows as columns and back, and pooling: a thread for each element of the result, which walks over the
// taps of its window or over the windows that see it, in the CPU's order.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/launch.h>
#include <adjoint/cuda/places.h>

namespace adjoint::cuda_backend {

/// A range first .. last - 1.
struct Span {
    int first, last;
};

/// One axis of the windows.
struct Axis {
    int size = 1, kernel = 1, stride = 1, padding = 0, dilation = 1, output = 1;
    Divisor by_stride, by_dilation;

    /// The first place of a window, from -padding.
    ADJOINT_HD int start(int window) const { return window * stride - padding; }
    /// The taps of a window that lie in 0 .. limit - 1.
    ADJOINT_HD Span taps(int window, int limit) const {
        const int begin = start(window);
        const int first = begin < 0 ? up(by_dilation, -begin) : 0;
        const int last = begin < limit ? up(by_dilation, limit - begin) : 0;
        const int low = first < kernel ? first : kernel, high = last < kernel ? last : kernel;
        return {low, high > low ? high : low};
    }
    /// The windows between whose first and last tap the place lies.
    ADJOINT_HD Span windows(int place) const {
        const int behind = place + padding - (kernel - 1) * dilation;
        const int first = behind > 0 ? up(by_stride, behind) : 0;
        const int last = static_cast<int>(by_stride.divide(static_cast<std::uint32_t>(place + padding))) + 1;
        return {first, last < output ? last : output};
    }
    /// The tap of a window that covers the place, -1 if none does.
    ADJOINT_HD int tap(int window, int place) const {
        const int distance = place - start(window);
        if (distance < 0) return -1;
        const int number = static_cast<int>(by_dilation.divide(static_cast<std::uint32_t>(distance)));
        return number * dilation == distance && number < kernel ? number : -1;
    }
    /// The window that covers the place with that tap, -1 if none does.
    ADJOINT_HD int window(int tap, int place) const {
        const int distance = place + padding - tap * dilation;
        if (distance < 0) return -1;
        const int number = static_cast<int>(by_stride.divide(static_cast<std::uint32_t>(distance)));
        return number * stride == distance && number < output ? number : -1;
    }

  private:
    ADJOINT_HD static int up(const Divisor& by, int n) {
        return static_cast<int>(by.divide(static_cast<std::uint32_t>(n) + by.value - 1));
    }
};

/// The windows over one plane, with what takes element numbers apart.
struct Sliding {
    Axis rows, columns;
    Divisor output_width, output_height, kernel_width, kernel_height, width, height;
    ADJOINT_HD int plane() const { return rows.size * columns.size; }
    ADJOINT_HD int outputs() const { return rows.output * columns.output; }
    ADJOINT_HD int taps() const { return rows.kernel * columns.kernel; }
};

/// A place in a plane or among the windows, and the plane's number.
struct PlanePlace {
    int plane, row, column;
    ADJOINT_HD PlanePlace(std::uint32_t element, const Divisor& width, const Divisor& height) {
        const std::uint32_t line = width.divide(element);
        const std::uint32_t number = height.divide(line);
        plane = static_cast<int>(number);
        row = static_cast<int>(line - number * height.value);
        column = static_cast<int>(element - line * width.value);
    }
};

/// Runs f(element) for each element of the grid's loop.
template <class F> ADJOINT_DEVICE void for_elements(std::uint32_t count, F f) {
    const std::uint32_t step = gridDim.x * blockDim.x;
    for (std::uint32_t e = blockIdx.x * blockDim.x + threadIdx.x; e < count; e += step) f(e);
}

template <class T>
__global__ void unfold_elements(const Sliding w, const std::uint32_t count, T* columns, const T* x) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace window(e, w.output_width, w.output_height);
        const PlanePlace tap(static_cast<std::uint32_t>(window.plane), w.kernel_width, w.kernel_height);
        const int h = w.rows.start(window.row) + tap.row * w.rows.dilation;
        const int v = w.columns.start(window.column) + tap.column * w.columns.dilation;
        const bool inside = h >= 0 && h < w.rows.size && v >= 0 && v < w.columns.size;
        columns[e] = inside ? x[std::int64_t{tap.plane} * w.plane() + h * w.columns.size + v] : T(0);
    });
}

template <class T>
__global__ void fold_elements(const Sliding w, const std::uint32_t count, T* x, const T* columns) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace at(e, w.width, w.height);
        const T* from = columns + std::int64_t{at.plane} * w.taps() * w.outputs();
        T total = T(0);
        for (int i = 0; i < w.rows.kernel; ++i) {
            const int h = w.rows.window(i, at.row);
            if (h < 0) continue;
            for (int j = 0; j < w.columns.kernel; ++j) {
                const int v = w.columns.window(j, at.column);
                if (v < 0) continue;
                const std::int64_t tap = i * w.columns.kernel + j;
                total += from[tap * w.outputs() + h * w.columns.output + v];
            }
        }
        x[e] = total;
    });
}

template <class T>
__global__ void max_pool_elements(const Sliding w, const std::uint32_t count, T* y, std::int64_t* indices,
                                  const T* x) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace window(e, w.output_width, w.output_height);
        const T* plane = x + std::int64_t{window.plane} * w.plane();
        const Span rows = w.rows.taps(window.row, w.rows.size);
        const Span columns = w.columns.taps(window.column, w.columns.size);
        const int top = w.rows.start(window.row), left = w.columns.start(window.column);
        int best_place =
            (top + rows.first * w.rows.dilation) * w.columns.size + left + columns.first * w.columns.dilation;
        T best = plane[best_place];
        for (int i = rows.first; i < rows.last; ++i)
            for (int j = columns.first; j < columns.last; ++j) {
                const int place =
                    (top + i * w.rows.dilation) * w.columns.size + left + j * w.columns.dilation;
                const T value = plane[place];
                if (value > best || (value != value && best == best)) {
                    best = value;
                    best_place = place;
                }
            }
        y[e] = best;
        if (indices != nullptr) indices[e] = best_place;
    });
}

template <class T>
__global__ void max_pool_backward_elements(const Sliding w, const std::uint32_t count, T* dx, const T* g,
                                           const std::int64_t* indices) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace at(e, w.width, w.height);
        const std::int64_t base = std::int64_t{at.plane} * w.outputs();
        const std::int64_t place = at.row * w.columns.size + at.column;
        const Span rows = w.rows.windows(at.row), columns = w.columns.windows(at.column);
        T total = T(0);
        for (int h = rows.first; h < rows.last; ++h)
            for (int v = columns.first; v < columns.last; ++v) {
                const std::int64_t o = base + h * w.columns.output + v;
                if (indices[o] == place) total += g[o];
            }
        dx[e] = total;
    });
}

/// What the sum over a window is divided by.
ADJOINT_HD std::int64_t average_count(const Sliding& w, const Average& average, int row, int column) {
    if (average.divisor != 0) return average.divisor;
    if (average.count_padding)
        return std::int64_t{w.rows.taps(row, w.rows.size + w.rows.padding).last} *
               w.columns.taps(column, w.columns.size + w.columns.padding).last;
    const Span rows = w.rows.taps(row, w.rows.size), columns = w.columns.taps(column, w.columns.size);
    return std::int64_t{rows.last - rows.first} * (columns.last - columns.first);
}

template <class T>
__global__ void avg_pool_elements(const Sliding w, const Average average, const std::uint32_t count, T* y,
                                  const T* x) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace window(e, w.output_width, w.output_height);
        const T* plane = x + std::int64_t{window.plane} * w.plane();
        const Span rows = w.rows.taps(window.row, w.rows.size);
        const Span columns = w.columns.taps(window.column, w.columns.size);
        const int top = w.rows.start(window.row), left = w.columns.start(window.column);
        T total = T(0);
        for (int i = rows.first; i < rows.last; ++i)
            for (int j = columns.first; j < columns.last; ++j)
                total += plane[(top + i * w.rows.dilation) * w.columns.size + left + j * w.columns.dilation];
        y[e] = total / static_cast<T>(average_count(w, average, window.row, window.column));
    });
}

template <class T>
__global__ void avg_pool_backward_elements(const Sliding w, const Average average, const std::uint32_t count,
                                           T* dx, const T* g) {
    for_elements(count, [&](std::uint32_t e) {
        const PlanePlace at(e, w.width, w.height);
        const T* upstream = g + std::int64_t{at.plane} * w.outputs();
        const Span rows = w.rows.windows(at.row), columns = w.columns.windows(at.column);
        T total = T(0);
        for (int h = rows.first; h < rows.last; ++h) {
            if (w.rows.tap(h, at.row) < 0) continue;
            for (int v = columns.first; v < columns.last; ++v)
                if (w.columns.tap(v, at.column) >= 0)
                    total +=
                        upstream[h * w.columns.output + v] / static_cast<T>(average_count(w, average, h, v));
        }
        dx[e] = total;
    });
}

namespace {

Divisor divisor(std::int64_t n) { return Divisor(static_cast<std::uint32_t>(n)); }

Axis axis_of(const Windows& w, int a) {
    Axis axis;
    axis.size = static_cast<int>(w.size[a]);
    axis.kernel = static_cast<int>(w.kernel[a]);
    axis.stride = static_cast<int>(w.stride[a]);
    axis.padding = static_cast<int>(w.padding[a]);
    axis.dilation = static_cast<int>(w.dilation[a]);
    axis.output = static_cast<int>(w.output[a]);
    axis.by_stride = divisor(w.stride[a]);
    axis.by_dilation = divisor(w.dilation[a]);
    return axis;
}

// Calls f(T{}, windows, first plane, elements) for parts of the planes whose element numbers have 31 bits;
// `per_plane` elements of the result belong to a plane.
template <class F> void for_plane_pieces(const Windows& windows, std::int64_t per_plane, F f) {
    const std::int64_t planes = windows.batch * windows.channels;
    if (planes * per_plane == 0) return;
    Sliding w;
    w.rows = axis_of(windows, 0);
    w.columns = axis_of(windows, 1);
    w.output_height = divisor(windows.output[0]);
    w.output_width = divisor(windows.output[1]);
    w.kernel_height = divisor(windows.kernel[0]);
    w.kernel_width = divisor(windows.kernel[1]);
    w.height = divisor(windows.size[0]);
    w.width = divisor(windows.size[1]);
    const std::int64_t together =
        std::max<std::int64_t>(std::numeric_limits<std::int32_t>::max() / per_plane, 1);
    for (std::int64_t first = 0; first < planes; first += together) {
        const auto count = static_cast<std::uint32_t>(std::min(together, planes - first) * per_plane);
        if (windows.dtype == DType::f64)
            f(double{}, w, first, count);
        else
            f(float{}, w, first, count);
    }
}

template <class T, class P> auto* at(P* base, std::int64_t element) {
    using Target = std::conditional_t<std::is_const_v<P>, const T, T>;
    return static_cast<Target*>(base) + element;
}

}  // namespace

void CudaBackend::unfold(const Windows& windows, void* columns, const void* x) {
    const std::int64_t size = windows.taps() * windows.outputs();
    for_plane_pieces(
        windows, size, [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
            using T = decltype(type);
            const Spread spread(device_, count);
            launch_independent(device_, "unfold", &unfold_elements<T>, spread.grid, spread.block, w, count,
                               at<T>(columns, first * size), at<T>(x, first * windows.plane()));
        });
}

void CudaBackend::fold(const Windows& windows, void* x, const void* columns) {
    const std::int64_t size = windows.taps() * windows.outputs(), plane = windows.plane();
    for_plane_pieces(windows, plane,
                     [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
                         using T = decltype(type);
                         const Spread spread(device_, count);
                         launch_independent(device_, "fold", &fold_elements<T>, spread.grid, spread.block, w,
                                            count, at<T>(x, first * plane), at<T>(columns, first * size));
                     });
}

void CudaBackend::max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) {
    const std::int64_t outputs = windows.outputs();
    for_plane_pieces(windows, outputs,
                     [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
                         using T = decltype(type);
                         const Spread spread(device_, count);
                         launch_independent(device_, "max_pool", &max_pool_elements<T>, spread.grid,
                                            spread.block, w, count, at<T>(y, first * outputs),
                                            indices != nullptr ? indices + first * outputs : nullptr,
                                            at<T>(x, first * windows.plane()));
                     });
}

void CudaBackend::max_pool_backward(const Windows& windows, void* dx, const void* g,
                                    const std::int64_t* indices) {
    const std::int64_t plane = windows.plane();
    for_plane_pieces(
        windows, plane, [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
            using T = decltype(type);
            const std::int64_t outputs = first * windows.outputs();
            const Spread spread(device_, count);
            launch_independent(device_, "max_pool", &max_pool_backward_elements<T>, spread.grid, spread.block,
                               w, count, at<T>(dx, first * plane), at<T>(g, outputs), indices + outputs);
        });
}

void CudaBackend::avg_pool(const Windows& windows, const Average& average, void* y, const void* x) {
    const std::int64_t outputs = windows.outputs();
    for_plane_pieces(
        windows, outputs, [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
            using T = decltype(type);
            const Spread spread(device_, count);
            launch_independent(device_, "avg_pool", &avg_pool_elements<T>, spread.grid, spread.block, w,
                               average, count, at<T>(y, first * outputs), at<T>(x, first * windows.plane()));
        });
}

void CudaBackend::avg_pool_backward(const Windows& windows, const Average& average, void* dx, const void* g) {
    const std::int64_t plane = windows.plane();
    for_plane_pieces(windows, plane,
                     [&](auto type, const Sliding& w, std::int64_t first, std::uint32_t count) {
                         using T = decltype(type);
                         const Spread spread(device_, count);
                         launch_independent(device_, "avg_pool", &avg_pool_backward_elements<T>, spread.grid,
                                            spread.block, w, average, count, at<T>(dx, first * plane),
                                            at<T>(g, first * windows.outputs()));
                     });
}

}  // namespace adjoint::cuda_backend
