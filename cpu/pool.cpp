// Pooling, plane by plane.
#include <vector>

#include <adjoint/core/contract/windows.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

// The taps of every window that lie in the plane, by axis.
struct Inside {
    std::vector<Range> rows, columns;
    Range whole{0, 0};               // the windows of a row that lose no column to the padding
    std::vector<std::int64_t> taps;  // distances from a window's start
    explicit Inside(const Windows& w) : rows(of(w, 0)), columns(of(w, 1)) {
        const auto is_whole = [&](std::int64_t o) {
            return column(o).first == 0 && column(o).last == w.kernel[1];
        };
        while (whole.first < w.output[1] && !is_whole(whole.first)) ++whole.first;
        whole.last = whole.first;
        while (whole.last < w.output[1] && is_whole(whole.last)) ++whole.last;
        for (std::int64_t i = 0; i < w.kernel[0]; ++i)
            for (std::int64_t j = 0; j < w.kernel[1]; ++j)
                taps.push_back(i * w.dilation[0] * w.size[1] + j * w.dilation[1]);
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

// The place of the largest element of a window that is cut off by the padding.
template <class T>
std::int64_t largest(const Windows& w, std::int64_t h, std::int64_t o, Range rows, Range columns,
                     const T* x) {
    std::int64_t best = place(w, 0, h, rows.first) * w.size[1] + place(w, 1, o, columns.first);
    for (std::int64_t i = rows.first; i < rows.last; ++i) {
        std::int64_t at = place(w, 0, h, i) * w.size[1] + place(w, 1, o, columns.first);
        // Neither a number nor a second NaN takes the place of a NaN.
        for (std::int64_t j = columns.first; j < columns.last; ++j, at += w.dilation[1])
            if (x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) best = at;
    }
    return best;
}

template <class T>
void max_plane(const Windows& w, const Inside& inside, T* y, std::int64_t* indices, const T* x) {
    const MaxPoolKernel kernel = kernels().max_pool[std::is_same_v<T, double>];
    for (std::int64_t h = 0; h < w.output[0]; ++h) {
        const Range rows = inside.row(h);
        const std::int64_t output = h * w.output[1];
        const auto cut_off = [&](std::int64_t from, std::int64_t to) {
            for (std::int64_t o = from; o < to; ++o) {
                const std::int64_t best = largest(w, h, o, rows, inside.column(o), x);
                y[output + o] = x[best];
                if (indices) indices[output + o] = best;
            }
        };
        cut_off(0, inside.whole.first);
        cut_off(inside.whole.last, w.output[1]);
        MaxPoolCall call{};
        call.count = inside.whole.last - inside.whole.first;
        if (call.count == 0) continue;
        call.y = y + output + inside.whole.first;
        call.indices = indices ? indices + output + inside.whole.first : nullptr;
        call.x = x;
        call.place = place(w, 0, h, rows.first) * w.size[1] + place(w, 1, inside.whole.first, 0);
        call.stride = w.stride[1];
        call.taps = inside.taps.data();
        call.tap_count = (rows.last - rows.first) * w.kernel[1];
        kernel(call);
    }
}

// Calls f(output number, divisor, first place, rows, columns) for each window of an average.
template <class F> void for_averages(const Windows& w, const Inside& inside, const Average& average, F f) {
    std::int64_t output = 0;
    for (std::int64_t h = 0; h < w.output[0]; ++h) {
        const Range rows = inside.row(h);
        for (std::int64_t o = 0; o < w.output[1]; ++o, ++output) {
            const Range columns = inside.column(o);
            const std::int64_t count = average_count(w, average, h, o, rows, columns);
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

}  // namespace

void on(CpuBackend&, const call::MaxPool& c) {
    const Inside inside(c.windows);
    visit_real(c.windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(c.windows, [&](std::int64_t in, std::int64_t out) {
            max_plane(c.windows, inside, static_cast<T*>(c.y) + out, c.indices ? c.indices + out : nullptr,
                      static_cast<const T*>(c.x) + in);
        });
    });
}

void on(CpuBackend&, const call::MaxPoolBackward& c) {
    visit_real(c.windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(c.windows, [&](std::int64_t in, std::int64_t out) {
            T* plane = static_cast<T*>(c.dx) + in;
            const T* upstream = static_cast<const T*>(c.g) + out;
            std::fill_n(plane, c.windows.plane(), T(0));
            for (std::int64_t o = 0; o < c.windows.outputs(); ++o) plane[c.indices[out + o]] += upstream[o];
        });
    });
}

void on(CpuBackend&, const call::AvgPool& c) {
    const Inside inside(c.windows);
    visit_real(c.windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(c.windows, [&](std::int64_t in, std::int64_t out) {
            average_plane(c.windows, inside, c.average, static_cast<T*>(c.y) + out,
                          static_cast<const T*>(c.x) + in);
        });
    });
}

void on(CpuBackend&, const call::AvgPoolBackward& c) {
    const Inside inside(c.windows);
    visit_real(c.windows.dtype, [&](auto type) {
        using T = decltype(type);
        for_planes(c.windows, [&](std::int64_t in, std::int64_t out) {
            average_plane_backward(c.windows, inside, c.average, static_cast<T*>(c.dx) + in,
                                   static_cast<const T*>(c.g) + out);
        });
    });
}

}  // namespace adjoint::cpu
