// Windows tap by tap: the windows whose tap lies in the plane are a grid, and so is what
// they see there. Private.
#pragma once

#include <adjoint/core/contract/compose.h>
#include <adjoint/core/contract/windows.h>

namespace adjoint::composition {

/// One tap of all windows that see a place of the plane by it: planes, rows and columns of windows.
struct Tap {
    Grid windows, numbers;  // computing in the type of the elements, in i64
    const Windows& shape;
    std::int64_t h, w;    // the tap
    Range rows, columns;  // the windows

    /// The windows' elements of an array (batch, channels, outputs).
    View result(const void* data, DType type) const {
        return View(data, type, {shape.outputs(), shape.output[1], 1}).from(first_window());
    }
    /// The windows' elements of this tap in columns (batch, channels, taps, outputs).
    View column(const void* data, DType type) const {
        const std::int64_t tap = h * shape.kernel[1] + w;
        return View(data, type, {shape.taps() * shape.outputs(), shape.output[1], 1})
            .from(tap * shape.outputs() + first_window());
    }
    /// What the windows see in an array (batch, channels, plane).
    View place(const void* data, DType type) const { return seen(data, type, shape.plane()); }
    /// The same in one plane that all share.
    View place_in_plane(const void* data, DType type) const { return seen(data, type, 0); }

  private:
    std::int64_t first_window() const { return rows.first * shape.output[1] + columns.first; }
    View seen(const void* data, DType type, std::int64_t plane) const {
        return View(data, type, {plane, shape.stride[0] * shape.size[1], shape.stride[1]})
            .from(adjoint::place(shape, 0, rows.first, h) * shape.size[1] +
                  adjoint::place(shape, 1, columns.first, w));
    }
};

/// Calls f(tap) for each tap that any window has in the plane, in window order,
/// or from the last to the first.
template <class F> void for_taps(Backend& backend, const Windows& w, F f, bool backwards = false) {
    for (std::int64_t i = 0; i < w.taps(); ++i) {
        const std::int64_t tap = backwards ? w.taps() - 1 - i : i;
        const std::int64_t y = tap / w.kernel[1], x = tap % w.kernel[1];
        const Range rows = outputs_inside(w, 0, y), columns = outputs_inside(w, 1, x);
        const Three sizes{w.batch * w.channels, rows.last - rows.first, columns.last - columns.first};
        if (sizes[1] <= 0 || sizes[2] <= 0) continue;
        f(Tap{Grid(backend, sizes, w.dtype), Grid(backend, sizes, DType::i64), w, y, x, rows, columns});
    }
}

}  // namespace adjoint::composition
