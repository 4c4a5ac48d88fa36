// Adam and AdamW.
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

struct AdamWOptions {
    double lr = 1e-3;
    std::pair<double, double> betas = {0.9, 0.999};
    double eps = 1e-8;
    double weight_decay = 1e-2;
    bool amsgrad = false;
    bool maximize = false;
};

/// What Adam and AdamW share.
class ADJOINT_API AdamFamily : public Optimizer {
  protected:
    AdamFamily(const char* name, bool decoupled) : Optimizer(name), name_(name), decoupled_(decoupled) {}
    void add(const std::vector<Tensor>& parameters, const AdamOptions& options);

  private:
    UpdateOp update(std::size_t group, double lr, std::int64_t step) const final;

    const char* name_;
    bool decoupled_;
    std::vector<AdamOptions> options_;
};

/// g = gradient + weight_decay p; m, v = running means of g and g^2 by betas;
/// p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps), with the largest v so far if amsgrad.
/// state: "exp_avg", "exp_avg_sq" and, with amsgrad, "max_exp_avg_sq".
/// errors: as Optimizer::add_group; ValueError for a beta outside [0, 1) or a negative option.
/// source: Kingma and Ba, Adam, ICLR 2015; Reddi et al., On the convergence of Adam and beyond, ICLR 2018.
class ADJOINT_API Adam final : public AdamFamily {
  public:
    struct Group {
        std::vector<Tensor> parameters;
        AdamOptions options;
    };
    explicit Adam(const std::vector<Tensor>& parameters, const AdamOptions& options = {});
    explicit Adam(const std::vector<Group>& groups);
};

/// Adam with the decay apart from the gradient: p -= lr weight_decay p, then the step of g = gradient.
/// source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.
class ADJOINT_API AdamW final : public AdamFamily {
  public:
    struct Group {
        std::vector<Tensor> parameters;
        AdamWOptions options;
    };
    explicit AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options = {});
    explicit AdamW(const std::vector<Group>& groups);
};

}  // namespace adjoint::optim
