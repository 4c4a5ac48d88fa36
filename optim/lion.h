// Lion: the sign of a momentum as the step.
#pragma once

#include <utility>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct LionOptions {
    double lr = 1e-4;
    std::pair<double, double> betas = {0.9, 0.99};
    double weight_decay = 0;
    bool maximize = false;
};

/// p -= lr (weight_decay p + sign(beta1 m + (1 - beta1) g)); then m = beta2 m + (1 - beta2) g.
/// state: "exp_avg".
/// errors: as Optimizer::add_group; ValueError for a beta outside [0, 1) or a negative decay.
/// source: Chen et al., Symbolic discovery of optimization algorithms, 2023, algorithm 2.
class ADJOINT_API Lion final : public OptimizerWith<LionOptions> {
  public:
    explicit Lion(const std::vector<Tensor>& parameters, const LionOptions& options = {})
        : Lion(std::vector<Group>{{parameters, options}}) {}
    explicit Lion(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t, std::int64_t) const override { return 0; }
};

}  // namespace adjoint::optim
