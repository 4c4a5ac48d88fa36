// RMSprop and Rprop: steps scaled by the recent size of the gradient, or by its sign alone.
#pragma once

#include <utility>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct RMSpropOptions {
    double lr = 1e-2;
    double alpha = 0.99;
    double eps = 1e-8;
    double weight_decay = 0;
    double momentum = 0;
    bool centered = false;
    bool maximize = false;
};

/// v = running mean of g^2 by alpha, less the squared mean of g if centered; move = g / (sqrt(v) + eps);
/// p -= lr move, or with momentum b = momentum b + move, p -= lr b.
/// state: "square_avg" and, as needed, "momentum_buffer", "grad_avg".
/// errors: as Optimizer::add_group; ValueError for alpha outside [0, 1) or a negative option.
/// source: Tieleman and Hinton, Lecture 6.5, 2012; Graves, Generating sequences, 2013, equations 38 to 45.
class ADJOINT_API RMSprop final : public OptimizerWith<RMSpropOptions> {
  public:
    explicit RMSprop(const std::vector<Tensor>& parameters, const RMSpropOptions& options = {})
        : RMSprop(std::vector<Group>{{parameters, options}}) {}
    explicit RMSprop(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t, std::int64_t) const override { return 0; }
};

struct RpropOptions {
    double lr = 1e-2;
    std::pair<double, double> etas = {0.5, 1.2};
    std::pair<double, double> step_sizes = {1e-6, 50};
    bool maximize = false;
};

/// Each element's step, lr at first, is multiplied by etas.second while its gradient keeps the sign and by
/// etas.first (and not made) when it turns, within step_sizes; p -= sign(g) step.
/// state: "prev", "step_size".
/// errors: as Optimizer::add_group; ValueError unless 0 < etas.first < 1 < etas.second and the sizes ascend.
/// source: Riedmiller and Braun, A direct adaptive method for faster backpropagation learning, ICNN 1993.
class ADJOINT_API Rprop final : public OptimizerWith<RpropOptions> {
  public:
    explicit Rprop(const std::vector<Tensor>& parameters, const RpropOptions& options = {})
        : Rprop(std::vector<Group>{{parameters, options}}) {}
    explicit Rprop(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t, std::int64_t step) const override { return step == 1; }
};

}  // namespace adjoint::optim
