// Recurrent layers by cuDNN, where it is there.
#pragma once

#include <memory>
#include <optional>

#include <adjoint/core/contract/calls/recurrence.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Of one device; what is computed is said in core/contract/calls/recurrence.h. Types f32 and f64, sequences
/// of one length; f32 means f32 unless the precision of the layer says otherwise.
class Recurrences {
  public:
    Recurrences();
    ~Recurrences();
    Recurrences(const Recurrences&) = delete;
    Recurrences& operator=(const Recurrences&) = delete;

    /// Nothing where cuDNN is missing or does not take the layer; the two below are then not called.
    std::optional<std::size_t> reserve(DeviceState& device, const Recurrence& r);
    void forward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass);
    void backward(DeviceState& device, const Recurrence& r, const RecurrentPass& pass,
                  const RecurrentGradients& gradients);

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace adjoint::cuda_backend
