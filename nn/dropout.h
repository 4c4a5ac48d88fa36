// Dropout.
#pragma once

#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// In training, each element is 0 with probability p, else divided by 1 - p; in evaluation x itself.
/// errors: ValueError for p outside [0, 1].
class ADJOINT_API Dropout : public Module {
  public:
    explicit Dropout(double p = 0.5);
    Tensor operator()(const Tensor& x) const;

  private:
    double p_;
};

/// Drops whole channels. shapes: (N, C, H, W), or (C, H, W). Errors: ValueError for p outside [0, 1].
class ADJOINT_API Dropout2d : public Module {
  public:
    explicit Dropout2d(double p = 0.5);
    Tensor operator()(const Tensor& x) const;

  private:
    double p_;
};

}  // namespace adjoint::nn
