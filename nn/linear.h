// Linear, and layers that only rearrange: Flatten, Identity.
#pragma once

#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct LinearOptions {
    bool bias = true;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// y = x W^T + b, W (out, in) and b (out) uniform in +-1 / sqrt(in).
/// shapes: (.., in) -> (.., out).
/// errors: ValueError for a negative size.
class ADJOINT_API Linear : public Module {
  public:
    Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {});
    /// With an activation behind it in the same pass.
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const {
        return computed(x, [&] { return linear(x, weight, bias, {.then = then}); });
    }

    const Parameter weight, bias;
};

/// Makes dimensions start .. end one.
class ADJOINT_API Flatten : public Module {
  public:
    explicit Flatten(int start = 1, int end = -1);
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return flatten(x, start_, end_); });
    }

  private:
    int start_, end_;
};

/// y = x
class ADJOINT_API Identity : public Module {
  public:
    Identity() : Module("Identity") {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return x; });
    }
};

}  // namespace adjoint::nn
