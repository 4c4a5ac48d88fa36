// Softmax of dense rows (f32 or f64), and the loss on it.
#pragma once

#include <adjoint/core/contract/calls/reduce.h>

namespace adjoint::call {

struct Softmax {
    static constexpr auto name = "softmax";
    void* out;
    const void* x;
    Rows rows;
    bool log;
    template <class Memory> void memory(Memory& m) const {
        m.writes(out, rows.numel(), rows.dtype);
        m.reads(x, rows.numel(), rows.dtype);
    }
};

struct SoftmaxBackward {
    static constexpr auto name = "softmax_backward";
    void* dx;
    const void* g;
    const void* y;
    Rows rows;
    bool log;
    template <class Memory> void memory(Memory& m) const {
        m.writes(dx, rows.numel(), rows.dtype);
        m.reads(g, rows.numel(), rows.dtype);
        m.reads(y, rows.numel(), rows.dtype);
    }
};

/// Softmax, negative logarithm and gradient in one pass. Rows that are ignored have loss and gradient 0.
struct CrossEntropy {
    static constexpr auto name = "cross_entropy";
    void* losses;    // per row
    void* total;     // one number: the sum of the losses; may be null
    void* gradient;  // softmax - onehot, per element; may be null
    const void* logits;
    const std::int64_t* targets;
    Rows rows;
    std::int64_t ignore_index = -100;
    bool mean = false;  // total and gradient are divided by the number of rows that are not ignored
    template <class Memory> void memory(Memory& m) const {
        m.writes(losses, rows.rows, rows.dtype);
        m.writes(total, 1, rows.dtype);
        m.writes(gradient, rows.numel(), rows.dtype);
        m.reads(logits, rows.numel(), rows.dtype);
        m.reads(targets, rows.rows, DType::i64);
    }
};

void compose(Backend& backend, const Softmax& c);
void compose(Backend& backend, const SoftmaxBackward& c);
void compose(Backend& backend, const CrossEntropy& c);

}  // namespace adjoint::call
