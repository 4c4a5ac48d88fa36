// Windows as columns and back.
#include <adjoint/core/contract/windows.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

template <class T> void unfold_plane(const Windows& w, T* columns, const T* x) {
    for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
        for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
            const Range rows = outputs_inside(w, 0, i), inside = outputs_inside(w, 1, j);
            for (std::int64_t h = 0; h < w.output[0]; ++h, columns += w.output[1]) {
                if (h < rows.first || h >= rows.last) {
                    std::fill_n(columns, w.output[1], T(0));
                    continue;
                }
                const T* line = x + place(w, 0, h, i) * w.size[1] + place(w, 1, 0, j);
                std::fill(columns, columns + inside.first, T(0));
                if (w.stride[1] == 1) {
                    std::copy(line + inside.first, line + inside.last, columns + inside.first);
                } else {
                    for (std::int64_t o = inside.first; o < inside.last; ++o)
                        columns[o] = line[o * w.stride[1]];
                }
                std::fill(columns + inside.last, columns + w.output[1], T(0));
            }
        }
    }
}

template <class T> void fold_plane(const Windows& w, T* x, const T* columns) {
    std::fill_n(x, w.plane(), T(0));
    for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
        for (std::int64_t j = 0; j < w.kernel[1]; ++j, columns += w.outputs()) {
            const Range rows = outputs_inside(w, 0, i), inside = outputs_inside(w, 1, j);
            for (std::int64_t h = rows.first; h < rows.last; ++h) {
                T* line = x + place(w, 0, h, i) * w.size[1] + place(w, 1, 0, j);
                const T* column = columns + h * w.output[1];
                for (std::int64_t o = inside.first; o < inside.last; ++o) line[o * w.stride[1]] += column[o];
            }
        }
    }
}

template <class T> void unfold_planes(const Windows& w, T* columns, const T* x) {
    const std::int64_t size = w.taps() * w.outputs();
    for_pieces(w.batch * w.channels, size,
               [&](std::int64_t p) { unfold_plane(w, columns + p * size, x + p * w.plane()); });
}

template <class T> void fold_planes(const Windows& w, T* x, const T* columns) {
    const std::int64_t size = w.taps() * w.outputs();
    for_pieces(w.batch * w.channels, size,
               [&](std::int64_t p) { fold_plane(w, x + p * w.plane(), columns + p * size); });
}

}  // namespace

void on(CpuBackend&, const call::Unfold& c) {
    if (c.windows.dtype == DType::f64)
        unfold_planes(c.windows, static_cast<double*>(c.columns), static_cast<const double*>(c.x));
    else
        unfold_planes(c.windows, static_cast<float*>(c.columns), static_cast<const float*>(c.x));
}

void on(CpuBackend&, const call::Fold& c) {
    if (c.windows.dtype == DType::f64)
        fold_planes(c.windows, static_cast<double*>(c.x), static_cast<const double*>(c.columns));
    else
        fold_planes(c.windows, static_cast<float*>(c.x), static_cast<const float*>(c.columns));
}

}  // namespace adjoint::cpu
