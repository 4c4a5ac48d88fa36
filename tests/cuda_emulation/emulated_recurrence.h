// Recurrent layers by plain loops over doubles, by the formulas of nn/recurrent_cells.h and their
// derivatives, and who may do them in the place of these loops.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include <adjoint/core/contract/calls/recurrence.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint {

namespace emulated {

std::size_t reserve_bytes(const Recurrence& r);
void forward(const Recurrence& r, const RecurrentPass& pass);
void backward(const Recurrence& r, const RecurrentPass& pass, const RecurrentGradients& gradients);

/// Done at once, or taken down by the stream if there is one.
void queue(cuda_backend::Stream stream, std::function<void()> work);

/// The calls of the contract, for the emulated device.
class RecurrentCalls {
  public:
    RecurrentCalls() = default;
    RecurrentCalls(const RecurrentCalls&) = delete;
    RecurrentCalls& operator=(const RecurrentCalls&) = delete;
    virtual ~RecurrentCalls() = default;
    virtual std::optional<std::size_t> reserve(cuda_backend::DeviceState& device, const Recurrence& r) = 0;
    virtual void forward(cuda_backend::DeviceState& device, const Recurrence& r,
                         const RecurrentPass& pass) = 0;
    virtual void backward(cuda_backend::DeviceState& device, const Recurrence& r, const RecurrentPass& pass,
                          const RecurrentGradients& gradients) = 0;
};

}  // namespace emulated

/// The recurrent layers of the emulated device, and the calls of them so far.
struct EmulatedRecurrence {
    bool on = true;  // whether it has any of its own
    int forward = 0, backward = 0;
    int kept = 0;  // forward passes that were asked to keep something for a backward pass
    emulated::RecurrentCalls* instead = nullptr;  // of the loops
};
EmulatedRecurrence& emulated_recurrence();

}  // namespace adjoint
