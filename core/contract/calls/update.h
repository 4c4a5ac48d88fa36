// The step of an optimizer over many tensors.
#pragma once

#include <span>

#include <adjoint/core/contract/functors/update.h>

namespace adjoint::call {

struct Update {
    static constexpr auto name = "update";
    UpdateOp op;
    std::span<const UpdateSlice> slices;
    template <class Memory> void memory(Memory& m) const {
        for (const UpdateSlice& slice : slices) {
            m.updates(slice.parameter, slice.numel, slice.dtype);
            m.reads(slice.gradient, slice.numel, slice.dtype);
            for (void* state : slice.states)
                if (state) m.updates(state, slice.numel, slice.dtype);
        }
    }
};

}  // namespace adjoint::call
