// Windows sliding over planes: unfolding and pooling. Planes, columns and gradients are dense
// and written as a whole.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/export.h>

namespace adjoint {

class Backend;

/// Windows sliding over planes: `batch` x `channels` dense planes of `size` elements of type `dtype` (f32 or
/// f64), each seen by `output` windows. Window o covers, per axis, the places o * stride - padding + dilation
/// * k for k below `kernel`; those outside the plane are padding.
/// Axes: height, width (one dimension: height 1).
struct Windows {
    std::int64_t batch = 0, channels = 0;
    std::int64_t size[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1}, padding[2] = {0, 0},
                 dilation[2] = {1, 1}, output[2] = {1, 1};
    DType dtype = DType::f32;

    ADJOINT_HD std::int64_t plane() const { return size[0] * size[1]; }
    ADJOINT_HD std::int64_t taps() const { return kernel[0] * kernel[1]; }
    ADJOINT_HD std::int64_t outputs() const { return output[0] * output[1]; }
    // Elements of all planes, of what the windows give, of the columns.
    std::int64_t inputs() const { return batch * channels * plane(); }
    std::int64_t results() const { return batch * channels * outputs(); }
    std::int64_t columns() const { return results() * taps(); }
};

/// What the sum of an average is divided by: `divisor`, or if 0 the places of the window that lie in the
/// plane, with those of the padding where `count_padding`; places beyond the padding never count.
struct Average {
    bool count_padding = true;
    std::int64_t divisor = 0;
};

namespace call {

/// columns (batch, channels * taps, outputs): what each window sees, 0 for padding.
struct Unfold {
    static constexpr auto name = "unfold";
    void* columns;
    const void* x;
    Windows windows;
    template <class Memory> void memory(Memory& m) const {
        m.writes(columns, windows.columns(), windows.dtype);
        m.reads(x, windows.inputs(), windows.dtype);
    }
};

/// The transpose: each element of x is the sum of the columns' elements that came from it.
struct Fold {
    static constexpr auto name = "fold";
    void* x;
    const void* columns;
    Windows windows;
    template <class Memory> void memory(Memory& m) const {
        m.writes(x, windows.inputs(), windows.dtype);
        m.reads(columns, windows.columns(), windows.dtype);
    }
};

/// The largest of each window and its place in the plane (h * width + w; may be null). Padding is not looked
/// at; the first of equals in window order wins, and the first NaN wins over all numbers. Every window holds
/// a place of the plane.
struct MaxPool {
    static constexpr auto name = "max_pool";
    void* y;
    std::int64_t* indices;
    const void* x;
    Windows windows;
    template <class Memory> void memory(Memory& m) const {
        m.writes(y, windows.results(), windows.dtype);
        m.writes(indices, windows.results(), DType::i64);
        m.reads(x, windows.inputs(), windows.dtype);
    }
};

/// dx = the sums of g over the windows whose maximum stood there; a fixed order of summation.
struct MaxPoolBackward {
    static constexpr auto name = "max_pool_backward";
    void* dx;
    const void* g;
    const std::int64_t* indices;
    Windows windows;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, windows.inputs(), windows.dtype);
        m.reads(g, windows.results(), windows.dtype);
        m.reads(indices, windows.results(), DType::i64);
    }
};

struct AvgPool {
    static constexpr auto name = "avg_pool";
    void* y;
    const void* x;
    Windows windows;
    Average average;
    template <class Memory> void memory(Memory& m) const {
        m.writes(y, windows.results(), windows.dtype);
        m.reads(x, windows.inputs(), windows.dtype);
    }
};

struct AvgPoolBackward {
    static constexpr auto name = "avg_pool_backward";
    void* dx;
    const void* g;
    Windows windows;
    Average average;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, windows.inputs(), windows.dtype);
        m.reads(g, windows.results(), windows.dtype);
    }
};

void compose(Backend& backend, const Unfold& c);
void compose(Backend& backend, const Fold& c);
void compose(Backend& backend, const MaxPool& c);
void compose(Backend& backend, const MaxPoolBackward& c);
void compose(Backend& backend, const AvgPool& c);
void compose(Backend& backend, const AvgPoolBackward& c);

}  // namespace call
}  // namespace adjoint
