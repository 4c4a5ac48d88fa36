// The norm of many tensors and its limit.
#pragma once

#include <span>

#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

/// Dense elements of one tensor among many.
struct TensorSlice {
    void* data = nullptr;
    std::int64_t numel = 0;
};

namespace call {

/// norm = the Euclidean norm of all tensors as one vector; each is scaled by min(1, most / (norm + 1e-6)).
struct ClipNorm {
    static constexpr auto name = "clip_norm";
    void* norm;  // one number
    std::span<const TensorSlice> tensors;
    DType dtype;  // f32 or f64, of all of them
    double most;
    template <class Memory> void memory(Memory& m) const {
        m.writes(norm, 1, dtype);
        for (const TensorSlice& one : tensors) m.updates(one.data, one.numel, dtype);
    }
};

void compose(Backend& backend, const ClipNorm& c);

}  // namespace call
}  // namespace adjoint
