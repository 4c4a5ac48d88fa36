// The backward pass of a bias and an activation.
#pragma once

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/loop.h>

namespace adjoint {

class Backend;

namespace call {

/// Of y = f(z), z = x + bias for each channel, elements `batch` x `channels` x `inner`, dense: dz = g
/// f'(saved), and its sums over each channel, which are the bias's gradient. Without an activation the sums
/// are those of g, and dz is null.
struct ActivationBackward {
    static constexpr auto name = "activation_backward";
    void* dz;
    void* sums;  // of the type in which the device computes; may be null
    const void* g;
    const void* saved;  // what the slope takes
    std::int64_t batch, channels, inner;
    DType dtype;
    Activation activation;

    std::int64_t numel() const { return batch * channels * inner; }
    template <class Memory> void memory(Memory& m) const {
        m.writes(dz, numel(), dtype);
        m.writes(sums, channels, compute_type(dtype));
        for (const void* each : {g, saved}) m.reads(each, numel(), dtype);
    }
};

void compose(Backend& backend, const ActivationBackward& c);

}  // namespace call
}  // namespace adjoint
