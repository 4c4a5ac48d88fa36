// SwiGLU: the gated network between the attentions of today's transformers.
#pragma once

#include <adjoint/nn/linear.h>

namespace adjoint::nn {

struct SwiGLUOptions {
    bool bias = false;
    std::int64_t out_features = 0;  ///< 0 for in_features
    DType dtype = default_dtype();
    Device device = default_device();
};

/// y = down_proj(silu(gate_proj(x)) up_proj(x)).
/// shapes: (.., in) -> (.., out), through hidden_features.
/// errors: ValueError for a negative size.
/// source: Shazeer, GLU variants improve transformer, 2020.
class ADJOINT_API SwiGLU : public Module {
  public:
    SwiGLU(std::int64_t in_features, std::int64_t hidden_features, const SwiGLUOptions& options = {});
    Tensor operator()(const Tensor& x) const;

    const Linear gate_proj, up_proj, down_proj;
};

}  // namespace adjoint::nn
