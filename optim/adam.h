// Adam and its variants: AdamW, Adamax, NAdam, RAdam.
#pragma once

#include <utility>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct AdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 0;
    bool amsgrad = false;
    bool maximize = false;
};

/// g = gradient + weight_decay p; m, v = running means of g and g^2 by betas;
/// p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps), with the largest v so far if amsgrad.
/// state: "exp_avg", "exp_avg_sq" and, with amsgrad, "max_exp_avg_sq".
/// errors: as Optimizer::add_group; ValueError for a beta outside [0, 1) or a negative option.
/// source: Kingma and Ba, Adam, ICLR 2015; Reddi et al., On the convergence of Adam and beyond, ICLR 2018.
class ADJOINT_API Adam final : public OptimizerWith<AdamOptions> {
  public:
    explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {})
        : Adam(std::vector<Group>{{parameters, options}}) {}
    explicit Adam(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
};

struct AdamWOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 1e-2;
    bool amsgrad = false;
    bool maximize = false;
};

/// Adam with the decay apart from the gradient: p -= lr weight_decay p, then the step of g = gradient.
/// source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
class ADJOINT_API AdamW final : public OptimizerWith<AdamWOptions> {
  public:
    explicit AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options = {})
        : AdamW(std::vector<Group>{{parameters, options}}) {}
    explicit AdamW(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
};

struct AdamaxOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 0;
    bool maximize = false;
};

/// m = running mean of g; u = max(beta2 u, |g| + eps); p -= lr m / ((1 - beta1^t) u).
/// state: "exp_avg", "exp_inf".
/// errors: as Optimizer::add_group; ValueError for a beta outside [0, 1) or a negative option.
/// source: Kingma and Ba, Adam, ICLR 2015, algorithm 2.
class ADJOINT_API Adamax final : public OptimizerWith<AdamaxOptions> {
  public:
    explicit Adamax(const std::vector<Tensor>& parameters, const AdamaxOptions& options = {})
        : Adamax(std::vector<Group>{{parameters, options}}) {}
    explicit Adamax(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
};

struct NAdamOptions {
    double lr = 2e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 0;
    double momentum_decay = 4e-3;
    bool decoupled_weight_decay = false;
    bool maximize = false;
};

/// Adam whose step holds the next step's momentum, mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2):
/// p -= lr ((1 - mu_t) g / (1 - mu_1 .. mu_t) + mu_(t+1) m / (1 - mu_1 .. mu_(t+1))) / (sqrt(v^) + eps).
/// state: "exp_avg", "exp_avg_sq".
/// errors: as Adamax.
/// source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
class ADJOINT_API NAdam final : public OptimizerWith<NAdamOptions> {
  public:
    explicit NAdam(const std::vector<Tensor>& parameters, const NAdamOptions& options = {})
        : NAdam(std::vector<Group>{{parameters, options}}) {}
    explicit NAdam(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
    /// A step holds the momentum of those before.
    double* momentum_of(std::size_t) override { return nullptr; }

    /// mu_1 .. mu_step
    double momentum_product(std::size_t group, std::int64_t step) const;

    // These products of each group by the step, as parameters differ in age, up to where 1 - product is 1.
    mutable std::vector<std::vector<double>> products_;
};

struct RAdamOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 0;
    bool decoupled_weight_decay = false;
    bool maximize = false;
};

/// Adam whose adaptive part is multiplied by sqrt((r - 4)(r - 2) R / ((R - 4)(R - 2) r)) with
/// R = 2 / (1 - beta2) - 1, r = R - 2 t beta2^t / (1 - beta2^t), and left out while r <= 5.
/// state: "exp_avg", "exp_avg_sq".
/// errors: as Adamax.
/// source: Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020.
class ADJOINT_API RAdam final : public OptimizerWith<RAdamOptions> {
  public:
    explicit RAdam(const std::vector<Tensor>& parameters, const RAdamOptions& options = {})
        : RAdam(std::vector<Group>{{parameters, options}}) {}
    explicit RAdam(const std::vector<Group>& groups);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const override;
};

}  // namespace adjoint::optim
