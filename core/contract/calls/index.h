// Calls that find elements by number along one dimension: the indexed operand has stride 0 there in the loop.
#pragma once

#include <adjoint/core/contract/loop.h>

namespace adjoint {

struct Indexing {
    const char* op = "";      // for the error message
    std::int64_t stride = 0;  // of the indexed operand along its dimension
    std::int64_t size = 0;    // of that dimension
    /// Negative indices count from the end, but class numbers may not be negative, and the error says at
    /// which element of the index tensor a wrong one stands.
    bool labels = false;
};

namespace call {

/// out = source[index]; the loop's operands are out, source, index (i64).
struct Gather {
    static constexpr auto name = "gather";
    Indexing along;
    Loop<3> loop;
    template <class Memory> void memory(Memory& m) const {
        m.writes(loop, 0);
        m.reads(loop, 1, along.stride * (along.size - 1));
        m.reads(loop, 2);
    }
};

/// destination[index] += source, or = source, where the last write wins.
/// Operands: destination, source, index.
struct Scatter {
    static constexpr auto name = "scatter";
    Indexing along;
    bool add;
    Loop<3> loop;
    template <class Memory> void memory(Memory& m) const {
        m.updates(loop, 0, along.stride * (along.size - 1));
        m.reads(loop, 1);
        m.reads(loop, 2);
    }
};

}  // namespace call
}  // namespace adjoint
