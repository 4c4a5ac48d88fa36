// The step of an optimizer over many tensors.
#pragma once

#include <span>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/functors/update.h>

namespace adjoint {

/// One tensor of the step: dense, all of type `dtype`, `states` as many as the functor names.
struct UpdateSlice {
    void* parameter = nullptr;
    const void* gradient = nullptr;
    void* states[3] = {};
    std::int64_t numel = 0;
    DType dtype = DType::f32;
};

namespace call {

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

}  // namespace call
}  // namespace adjoint
