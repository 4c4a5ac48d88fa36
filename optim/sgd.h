// Stochastic gradient descent.
#pragma once

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct SGDOptions {
    double lr = 1e-3;
    double momentum = 0;
    double dampening = 0;
    double weight_decay = 0;
    bool nesterov = false;
    bool maximize = false;
};

/// g = gradient + weight_decay p; v = momentum v + (1 - dampening) g, v = g at first;
/// p -= lr v, or lr (g + momentum v) if nesterov.
/// state: "momentum", if it is not 0.
/// errors: as Optimizer::add_group; ValueError for a negative option, nesterov without
/// momentum or with dampening.
/// source: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
class ADJOINT_API SGD final : public OptimizerWith<SGDOptions> {
  public:
    explicit SGD(const std::vector<Tensor>& parameters, const SGDOptions& options = {})
        : SGD(std::vector<Group>{{parameters, options}}) {}
    explicit SGD(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t group, std::int64_t step) const override;
};

}  // namespace adjoint::optim
