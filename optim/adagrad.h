// Adagrad and Adadelta: rates that fall with the gradients an element has seen.
#pragma once

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct AdagradOptions {
    double lr = 1e-2;
    double lr_decay = 0;
    double weight_decay = 0;
    double initial_accumulator_value = 0;
    double eps = 1e-10;
    bool maximize = false;
};

/// g = gradient + weight_decay p; sum += g^2, starting with initial_accumulator_value;
/// p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps).
/// state: "sum".
/// errors: as Optimizer::add_group; ValueError for a negative option.
/// source: Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 12, 2011.
class ADJOINT_API Adagrad final : public OptimizerWith<AdagradOptions> {
  public:
    explicit Adagrad(const std::vector<Tensor>& parameters, const AdagradOptions& options = {})
        : Adagrad(std::vector<Group>{{parameters, options}}) {}
    explicit Adagrad(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t group, std::int64_t step) const override;
};

struct AdadeltaOptions {
    double lr = 1;
    double rho = 0.9;
    double eps = 1e-6;
    double weight_decay = 0;
    bool maximize = false;
};

/// v, d = running means of g^2 and of the squared moves by rho; p -= lr sqrt(d + eps) / sqrt(v + eps) g.
/// state: "square_avg", "acc_delta".
/// errors: as Optimizer::add_group; ValueError for rho outside [0, 1) or a negative option.
/// source: Zeiler, ADADELTA, 2012.
class ADJOINT_API Adadelta final : public OptimizerWith<AdadeltaOptions> {
  public:
    explicit Adadelta(const std::vector<Tensor>& parameters, const AdadeltaOptions& options = {})
        : Adadelta(std::vector<Group>{{parameters, options}}) {}
    explicit Adadelta(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    std::int64_t update_key(std::size_t, std::int64_t) const override { return 0; }
};

}  // namespace adjoint::optim
