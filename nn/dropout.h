// Dropout, and layers that leave out something else at random.
#pragma once

#include <adjoint/nn/linear.h>

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

/// Drops whole channels.
/// shapes: (N, C, H, W), or (C, H, W).
/// errors: ValueError for p outside [0, 1].
class ADJOINT_API Dropout2d : public Module {
  public:
    explicit Dropout2d(double p = 0.5);
    Tensor operator()(const Tensor& x) const;

  private:
    double p_;
};

/// Leaves out whole samples of a residual branch: x + drop(f(x)) skips f for a share p of the samples and
/// divides what is left by 1 - p; in evaluation x itself.
/// shapes: (N, ...).
/// errors: ValueError for p outside [0, 1].
/// source: Huang et al., Deep networks with stochastic depth, ECCV 2016, which draws once for a batch and
/// scales in evaluation instead.
class ADJOINT_API StochasticDepth : public Module {
  public:
    explicit StochasticDepth(double p = 0.2);
    Tensor operator()(const Tensor& x) const;

  private:
    double p_;
};

/// A linear layer whose weights are left out: in training y = x (M W)^T + b, where each element of M is 0
/// with probability p, else 1 / (1 - p), drawn once for a call; in evaluation M is 1.
/// shapes: as Linear, and the same parameters.
/// errors: ValueError for p outside [0, 1].
/// source: Wan et al., Regularization of neural networks using DropConnect, ICML 2013, which draws for each
/// sample and takes a Gaussian in evaluation.
class ADJOINT_API DropConnect : public Module {
  public:
    DropConnect(std::int64_t in_features, std::int64_t out_features, double p = 0.5,
                const LinearOptions& options = {});
    Tensor operator()(const Tensor& x) const;

    const Parameter weight, bias;

  private:
    DropConnect(const Linear& plain, double p, const std::string& text);

    double p_;
};

}  // namespace adjoint::nn
