// Calls of a training loop around its step: the samples of a batch, and the sums of an epoch.
#pragma once

#include <array>
#include <cstdint>

#include <adjoint/core/contract/calls/reduce.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

/// Of whose rows a call takes some: `rows` x `width` dense elements.
struct RowTable {
    Operand out;  // of the table's type; f32 or i64 of bytes, i64 of other integers
    Operand table;
    std::int64_t width = 0, rows = 0;
    double scale = 1, shift = 0;  // of bytes that become f32

    bool converts() const { return out.dtype != table.dtype; }
};

namespace call {

/// out[i] = table[places[i]] of each table, converted on the way; of bytes that become f32 scale x + shift.
struct TakeRows {
    static constexpr auto name = "take_rows";
    static constexpr std::size_t most = 4;
    std::array<RowTable, most> tables;
    std::size_t count;
    const std::int64_t* places;  // each below the `rows` of all tables
    std::int64_t rows;
    template <class Memory> void memory(Memory& m) const {
        for (std::size_t i = 0; i < count; ++i) {
            m.writes(tables[i].out.data, rows * tables[i].width, tables[i].out.dtype);
            m.reads(tables[i].table.data, tables[i].rows * tables[i].width, tables[i].table.dtype);
        }
        m.reads(places, rows, DType::i64);
    }
};

/// An epoch's sums take in a batch: loss += mean x rows, right += the rows whose first greatest logit stands
/// at their target. A NaN is the greatest.
struct Tally {
    static constexpr auto name = "tally";
    double* loss;
    std::int64_t* right;
    Operand mean;  // one number, f32 or f64
    const void* logits;
    const std::int64_t* targets;  // what is no column is never right
    Rows rows;                    // f32 or f64
    template <class Memory> void memory(Memory& m) const {
        m.updates(loss, 1, DType::f64);
        m.updates(right, 1, DType::i64);
        m.reads(mean.data, 1, mean.dtype);
        m.reads(logits, rows.numel(), rows.dtype);
        m.reads(targets, rows.rows, DType::i64);
    }

    /// mean x rows, in the type of the mean.
    template <class T> ADJOINT_HD static double sum_of(T mean, std::int64_t rows) {
        return static_cast<double>(mean * static_cast<T>(rows));
    }
    /// Whether element i of a row is why the target is not the first greatest.
    template <class T> ADJOINT_HD static bool beats(const T* row, std::int64_t i, std::int64_t target) {
        const T x = row[i], t = row[target];
        if (t != t) return i < target && x != x;
        return x != x || x > t || (x == t && i < target);
    }
};

void compose(Backend& backend, const TakeRows& c);
void compose(Backend& backend, const Tally& c);

}  // namespace call
}  // namespace adjoint
