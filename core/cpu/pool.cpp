// Pooling, plane by plane.
#include <vector>

#include <adjoint/core/cpu/cpu_backend.h>
#include <adjoint/core/cpu/kernels/kernels.h>
#include <adjoint/core/cpu/tasks.h>
#include <adjoint/core/cpu/windows.h>

namespace adjoint::cpu {
namespace {

// The taps of every window that lie in the plane, by axis.
struct Inside {
    std::vector<Range> rows, columns;
    std::vector<Range> seen_by;  // the windows of a row that see a plane's element with a tap
    explicit Inside(const Windows& w) : rows(of(w, 0)), columns(of(w, 1)) {
        for (std::int64_t tap = 0; tap < w.kernel[1]; ++tap) seen_by.push_back(outputs_inside(w, 1, tap));
    }
    static std::vector<Range> of(const Windows& w, int axis) {
        std::vector<Range> out;
        for (std::int64_t o = 0; o < w.output[axis]; ++o)
            out.push_back(taps_inside(w, axis, o, w.size[axis]));
        return out;
    }
    Range row(std::int64_t o) const { return rows[static_cast<std::size_t>(o)]; }
    Range column(std::int64_t o) const { return columns[static_cast<std::size_t>(o)]; }
};

// A row of windows at a time: each tap is compared with the best so far of all of them.
template <class T>
void max_plane(const Windows& w, const Inside& inside, T* y, std::int64_t* indices, const T* x) {
    const MaxPoolKernel kernel = kernels().max_pool[std::is_same_v<T, double>];
    for (std::int64_t h = 0; h < w.output[0]; ++h, y += w.output[1]) {
        const Range rows = inside.row(h);
        const std::int64_t line = place(w, 0, h, rows.first) * w.size[1];
        for (std::int64_t o = 0; o < w.output[1]; ++o) {
            const std::int64_t first = line + place(w, 1, o, inside.column(o).first);
            y[o] = x[first];
            if (indices) indices[o] = first;
        }
        for (std::int64_t i = rows.first; i < rows.last; ++i) {
            for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
                const Range seen = inside.seen_by[static_cast<std::size_t>(j)];
                const std::int64_t first = place(w, 0, h, i) * w.size[1] + place(w, 1, seen.first, j);
                if (seen.first < seen.last)
                    kernel(y + seen.first, indices ? indices + seen.first : nullptr, x + first, first,
                           w.stride[1], seen.last - seen.first);
            }
        }
        if (indices) indices += w.output[1];
    }
}

// Calls f(output number, divisor, first place, rows, columns) for each window of an average.
template <class F> void for_averages(const Windows& w, const Inside& inside, const Average& average, F f) {
    std::int64_t output = 0;
    for (std::int64_t h = 0; h < w.output[0]; ++h) {
        const Range rows = inside.row(h);
        const std::int64_t padded_rows = taps_inside(w, 0, h, w.size[0] + w.padding[0]).last;
        for (std::int64_t o = 0; o < w.output[1]; ++o, ++output) {
            const Range columns = inside.column(o);
            std::int64_t count = average.divisor;
            if (count == 0 && average.count_padding)
                count = padded_rows * taps_inside(w, 1, o, w.size[1] + w.padding[1]).last;
            else if (count == 0)
                count = (rows.last - rows.first) * (columns.last - columns.first);
            const std::int64_t first = place(w, 0, h, rows.first) * w.size[1] + place(w, 1, o, columns.first);
            f(output, count, first, rows.last - rows.first, columns.last - columns.first);
        }
    }
}

template <class T>
void average_plane(const Windows& w, const Inside& inside, const Average& average, T* y, const T* x) {
    for_averages(w, inside, average,
                 [&](std::int64_t output, std::int64_t count, std::int64_t first, std::int64_t rows,
                     std::int64_t columns) {
                     T total = 0;
                     for (std::int64_t i = 0; i < rows; ++i)
                         for (std::int64_t j = 0; j < columns; ++j)
                             total += x[first + i * w.dilation[0] * w.size[1] + j * w.dilation[1]];
                     y[output] = total / static_cast<T>(count);
                 });
}

template <class T>
void average_plane_backward(const Windows& w, const Inside& inside, const Average& average, T* dx,
                            const T* g) {
    std::fill_n(dx, w.plane(), T(0));
    for_averages(w, inside, average,
                 [&](std::int64_t output, std::int64_t count, std::int64_t first, std::int64_t rows,
                     std::int64_t columns) {
                     const T share = g[output] / static_cast<T>(count);
                     for (std::int64_t i = 0; i < rows; ++i)
                         for (std::int64_t j = 0; j < columns; ++j)
                             dx[first + i * w.dilation[0] * w.size[1] + j * w.dilation[1]] += share;
                 });
}

template <class F> void for_planes(const Windows& w, F f) {
    for_pieces(w.batch * w.channels, std::max(w.plane(), w.taps() * w.outputs()),
               [&](std::int64_t p) { f(p * w.plane(), p * w.outputs()); });
}

template <class F> void visit_real(DType type, F f) {
    if (type == DType::f64)
        f(double{});
    else
        f(float{});
}

}  // namespace

void CpuBackend::max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) {
    const Inside inside(windows);
    visit_real(windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(windows, [&](std::int64_t in, std::int64_t out) {
            max_plane(windows, inside, static_cast<T*>(y) + out, indices ? indices + out : nullptr,
                      static_cast<const T*>(x) + in);
        });
    });
}

void CpuBackend::max_pool_backward(const Windows& windows, void* dx, const void* g,
                                   const std::int64_t* indices) {
    visit_real(windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(windows, [&](std::int64_t in, std::int64_t out) {
            T* plane = static_cast<T*>(dx) + in;
            const T* upstream = static_cast<const T*>(g) + out;
            std::fill_n(plane, windows.plane(), T(0));
            for (std::int64_t o = 0; o < windows.outputs(); ++o) plane[indices[out + o]] += upstream[o];
        });
    });
}

void CpuBackend::avg_pool(const Windows& windows, const Average& average, void* y, const void* x) {
    const Inside inside(windows);
    visit_real(windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(windows, [&](std::int64_t in, std::int64_t out) {
            average_plane(windows, inside, average, static_cast<T*>(y) + out, static_cast<const T*>(x) + in);
        });
    });
}

void CpuBackend::avg_pool_backward(const Windows& windows, const Average& average, void* dx, const void* g) {
    const Inside inside(windows);
    visit_real(windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(windows, [&](std::int64_t in, std::int64_t out) {
            average_plane_backward(windows, inside, average, static_cast<T*>(dx) + in,
                                   static_cast<const T*>(g) + out);
        });
    });
}

}  // namespace adjoint::cpu
