// Attention without the matrix of its weights, as a device sees it.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

/// Queries (batch, heads, queries, width), keys (batch, heads, keys, width) and values (batch, heads, keys,
/// values), none of the sizes 0.
struct Attention {
    std::int64_t batch = 0, heads = 0, queries = 0, keys = 0, width = 0, values = 0;
    DType dtype = DType::f32;  // f32 or f64
    double scale = 1;
    bool causal = false;  // query i sees keys 0 .. past + i alone
    std::int64_t past = 0;
};

/// Rows of heads: elements of a row are adjacent, all else at any stride.
struct HeadRows {
    void* data = nullptr;
    std::int64_t batch = 0, head = 0, row = 0;
};

/// What is added to the scores, of their type, or says who takes part, bool; data null: nothing.
struct AttentionMask {
    Operand operand = {nullptr, DType::boolean};
    std::int64_t batch = 0, head = 0, query = 0, key = 0;
};

class Backend;

namespace call {

/// out = softmax(scale q k^T + mask) v over the keys that are let through, 0 for a query that sees none.
/// A device without it composes attention of operators: Backend::attends says so.
struct Attend {
    static constexpr auto name = "attention";
    Attention shape;
    HeadRows out, q, k, v;
    AttentionMask mask;
    /// (batch, heads, queries), dense: logarithms of the sums of the exponentials, infinity where a query
    /// sees no key; null where there will be no backward pass.
    void* log_sums = nullptr;
    template <class Memory> void memory(Memory& m) const {
        const Attention& s = shape;
        m.writes(out.data, extent(s, out, s.queries, s.values), s.dtype);
        operands(m, s, q, k, v, mask);
        m.writes(log_sums, s.batch * s.heads * s.queries, s.dtype);
    }

    static std::int64_t extent(const Attention& s, const HeadRows& x, std::int64_t rows,
                               std::int64_t columns) {
        return (s.batch - 1) * x.batch + (s.heads - 1) * x.head + (rows - 1) * x.row + columns;
    }
    template <class Memory>
    static void operands(Memory& m, const Attention& s, const HeadRows& q, const HeadRows& k,
                         const HeadRows& v, const AttentionMask& mask) {
        m.reads(q.data, extent(s, q, s.queries, s.width), s.dtype);
        m.reads(k.data, extent(s, k, s.keys, s.width), s.dtype);
        m.reads(v.data, extent(s, v, s.keys, s.values), s.dtype);
        m.reads(mask.operand, (s.batch - 1) * mask.batch + (s.heads - 1) * mask.head +
                                  (s.queries - 1) * mask.query + (s.keys - 1) * mask.key + 1);
    }
};

/// The gradients of its operands, each of which may be null, from g and what the forward pass gave.
struct AttendBackward {
    static constexpr auto name = "attention_backward";
    Attend forward;
    HeadRows g, dq, dk, dv;
    template <class Memory> void memory(Memory& m) const {
        const Attention& s = forward.shape;
        Attend::operands(m, s, forward.q, forward.k, forward.v, forward.mask);
        m.reads(forward.out.data, Attend::extent(s, forward.out, s.queries, s.values), s.dtype);
        m.reads(forward.log_sums, s.batch * s.heads * s.queries, s.dtype);
        m.reads(g.data, Attend::extent(s, g, s.queries, s.values), s.dtype);
        m.writes(dq.data, Attend::extent(s, dq, s.queries, s.width), s.dtype);
        m.writes(dk.data, Attend::extent(s, dk, s.keys, s.width), s.dtype);
        m.writes(dv.data, Attend::extent(s, dv, s.keys, s.values), s.dtype);
    }
};

/// errors: DeviceError.
[[noreturn]] void compose(Backend& backend, const Attend& c);
[[noreturn]] void compose(Backend& backend, const AttendBackward& c);

}  // namespace call
}  // namespace adjoint
