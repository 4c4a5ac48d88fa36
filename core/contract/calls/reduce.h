// Calls that take many elements together: over dimensions, along one, in order.
#pragma once

#include <adjoint/core/contract/functors/reduce.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

/// `rows` dense rows of `columns` elements of type `dtype`.
struct Rows {
    std::int64_t rows = 0, columns = 0;
    DType dtype = DType::f32;

    std::int64_t numel() const { return rows * columns; }
};

/// `outer` x `length` x `inner` dense elements of type `dtype` (f32, f64 or i64), taken along the middle.
struct Lines {
    std::int64_t outer = 1, length = 1, inner = 1;
    DType dtype = DType::f32;

    std::int64_t numel() const { return outer * length * inner; }
};

namespace call {

/// out = x_0 op x_1 op .. over the reduced dimensions
struct Reduce {
    static constexpr auto name = "reduce";
    ReduceOp op;
    ReductionLoop loop;
    template <class Memory> void memory(Memory& m) const { m.reduction(loop); }
};

/// Index (i64) of the first largest or smallest element; the first NaN wins.
struct ArgReduce {
    static constexpr auto name = "arg_reduce";
    bool largest;
    ReductionLoop loop;
    template <class Memory> void memory(Memory& m) const { m.reduction(loop); }
};

/// out_i = x_0 op .. op x_i along each line, or x_i op .. op x_last if `reverse`; out may be x.
struct Scan {
    static constexpr auto name = "scan";
    void* out;
    const void* x;
    ScanOp op;
    Lines lines;
    bool reverse;
    template <class Memory> void memory(Memory& m) const {
        m.writes(out, lines.numel(), lines.dtype);
        m.reads(x, lines.numel(), lines.dtype);
    }
};

/// Each row (f32, f64 or i64) in order, and where its elements came from. Stable, also when descending; NaN
/// counts as larger than all numbers, and as equal to NaN.
struct Sort {
    static constexpr auto name = "sort";
    void* values;
    std::int64_t* indices;
    const void* x;
    Rows rows;
    bool descending;
    template <class Memory> void memory(Memory& m) const {
        m.writes(values, rows.numel(), rows.dtype);
        m.writes(indices, rows.numel(), DType::i64);
        m.reads(x, rows.numel(), rows.dtype);
    }
};

void compose(Backend& backend, const Scan& c);
void compose(Backend& backend, const Sort& c);

}  // namespace call
}  // namespace adjoint
