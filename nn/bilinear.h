// Bilinear: a layer over pairs of inputs.
#pragma once

#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct BilinearOptions {
    bool bias = true;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// y_k = sum_ij x1_i weight_kij x2_j + bias_k, weight (out, in1, in2) and bias uniform in +-1 / sqrt(in1).
/// shapes: (.., in1), (.., in2) -> (.., out).
/// errors: ValueError for a size that is not positive.
class ADJOINT_API Bilinear : public Module {
  public:
    Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features,
             const BilinearOptions& options = {});
    Tensor operator()(const Tensor& x1, const Tensor& x2) const {
        return computed(x1, [&] { return bilinear(x1, x2, weight, bias); });
    }

    const Parameter weight, bias;
};

}  // namespace adjoint::nn
