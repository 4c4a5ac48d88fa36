// The losses as modules: loss(prediction, target). The functions (<adjoint/autograd/ops/loss.h>)
// say what they compute.
#pragma once

#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct LossOptions {
    Reduction reduction = Reduction::mean;
};
/// mse_loss() as a module.
class ADJOINT_API MSELoss : public Module {
  public:
    explicit MSELoss(const LossOptions& options = {}) : Module("MSELoss"), options_(options) {}
    Tensor operator()(const Tensor& x, const Tensor& y) const { return mse_loss(x, y, options_.reduction); }

  private:
    LossOptions options_;
};

/// l1_loss() as a module.
class ADJOINT_API L1Loss : public Module {
  public:
    explicit L1Loss(const LossOptions& options = {}) : Module("L1Loss"), options_(options) {}
    Tensor operator()(const Tensor& x, const Tensor& y) const { return l1_loss(x, y, options_.reduction); }

  private:
    LossOptions options_;
};

/// smooth_l1_loss() as a module.
class ADJOINT_API SmoothL1Loss : public Module {
  public:
    explicit SmoothL1Loss(const SmoothL1Options& options = {}) : Module("SmoothL1Loss"), options_(options) {}
    Tensor operator()(const Tensor& x, const Tensor& y) const { return smooth_l1_loss(x, y, options_); }

  private:
    SmoothL1Options options_;
};

/// huber_loss() as a module.
class ADJOINT_API HuberLoss : public Module {
  public:
    explicit HuberLoss(const HuberOptions& options = {}) : Module("HuberLoss"), options_(options) {}
    Tensor operator()(const Tensor& x, const Tensor& y) const { return huber_loss(x, y, options_); }

  private:
    HuberOptions options_;
};

/// binary_cross_entropy() as a module.
class ADJOINT_API BCELoss : public Module {
  public:
    explicit BCELoss(const BinaryCrossEntropyOptions& options = {})
        : Module("BCELoss"), weight(buffer("weight", options.weight)), reduction_(options.reduction) {}
    Tensor operator()(const Tensor& p, const Tensor& t) const {
        return binary_cross_entropy(p, t, {.weight = weight, .reduction = reduction_});
    }

    const Buffer weight;

  private:
    Reduction reduction_;
};

/// binary_cross_entropy_with_logits() as a module.
class ADJOINT_API BCEWithLogitsLoss : public Module {
  public:
    explicit BCEWithLogitsLoss(const BinaryCrossEntropyWithLogitsOptions& options = {})
        : Module("BCEWithLogitsLoss"),
          pos_weight(buffer("pos_weight", options.pos_weight)),
          reduction_(options.reduction) {}
    Tensor operator()(const Tensor& x, const Tensor& t) const {
        return binary_cross_entropy_with_logits(x, t, {.pos_weight = pos_weight, .reduction = reduction_});
    }

    const Buffer pos_weight;

  private:
    Reduction reduction_;
};

/// kl_div() as a module.
class ADJOINT_API KLDivLoss : public Module {
  public:
    explicit KLDivLoss(const KLDivOptions& options = {}) : Module("KLDivLoss"), options_(options) {}
    Tensor operator()(const Tensor& x, const Tensor& t) const { return kl_div(x, t, options_); }

  private:
    KLDivOptions options_;
};

/// nll_loss() as a module.
class ADJOINT_API NLLLoss : public Module {
  public:
    explicit NLLLoss(const NllOptions& options = {})
        : Module("NLLLoss"),
          weight(buffer("weight", options.weight)),
          reduction_(options.reduction),
          ignore_index_(options.ignore_index) {}
    Tensor operator()(const Tensor& x, const Tensor& t) const {
        return nll_loss(x, t, {.weight = weight, .reduction = reduction_, .ignore_index = ignore_index_});
    }

    const Buffer weight;

  private:
    Reduction reduction_;
    std::int64_t ignore_index_;
};

/// cross_entropy() as a module.
class ADJOINT_API CrossEntropyLoss : public Module {
  public:
    explicit CrossEntropyLoss(const CrossEntropyOptions& options = {})
        : Module("CrossEntropyLoss"),
          weight(buffer("weight", options.weight)),
          reduction_(options.reduction),
          ignore_index_(options.ignore_index),
          label_smoothing_(options.label_smoothing) {}
    Tensor operator()(const Tensor& x, const Tensor& t) const {
        return cross_entropy(x, t,
                             {.weight = weight,
                              .reduction = reduction_,
                              .ignore_index = ignore_index_,
                              .label_smoothing = label_smoothing_});
    }

    const Buffer weight;

  private:
    Reduction reduction_;
    std::int64_t ignore_index_;
    double label_smoothing_;
};

}  // namespace adjoint::nn
