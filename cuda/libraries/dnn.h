// Convolutions by cuDNN. Each call answers false where cuDNN is missing or does not take the geometry; the
// caller then makes matrix products of them.
#pragma once

#include <memory>

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Of one device. Types f16, bf16, f32 and f64, layout NCHW; algorithms that give the same bits in every run
/// and do without transforms, so that f32 means f32 unless matmul_precision() says otherwise.
class Convolutions {
  public:
    Convolutions();
    ~Convolutions();
    Convolutions(const Convolutions&) = delete;
    Convolutions& operator=(const Convolutions&) = delete;

    /// Whether all three below will be done.
    bool can(DeviceState& device, const Convolution& geometry);
    /// y from x and w.
    bool forward(DeviceState& device, const Convolution& geometry, void* y, const void* x, const void* w);
    /// dx from g and w.
    bool backward_data(DeviceState& device, const Convolution& geometry, void* dx, const void* g,
                       const void* w);
    /// dw from x and g.
    bool backward_filter(DeviceState& device, const Convolution& geometry, void* dw, const void* x,
                         const void* g);

  private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace adjoint::cuda_backend
