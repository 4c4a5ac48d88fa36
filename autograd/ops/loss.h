// Losses. `reduction` none keeps one value per element or sample, mean (the default) and sum reduce to one.
#pragma once

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// What becomes of the losses of single elements.
enum class Reduction { none, mean, sum };

namespace fn {

/// The lectures' MSE node: loss = 1/2 sum (t - y)^2, but the gradient it hands back is (y - t) / batch. The
/// two do not agree (the loss is not divided); mse_loss is the consistent one. For the lectures' programs,
/// which say record(fn::MSE{}, y, t).
struct ADJOINT_API MSE : Function {
    static constexpr auto name = "lecture_mse";
    Saved y, t;
    Tensor forward(const Tensor& y, const Tensor& t);
    Grads backward(const Tensor& g);
};

}  // namespace fn

/// (x - y)^2.
/// shapes (here and below): x and y alike.
ADJOINT_API Tensor mse_loss(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::mean);
/// |x - y|
ADJOINT_API Tensor l1_loss(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::mean);

struct SmoothL1Options {
    Reduction reduction = Reduction::mean;
    double beta = 1;
};
/// d^2 / (2 beta) for |d| < beta, else |d| - beta / 2, with d = x - y
ADJOINT_API Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, const SmoothL1Options& options = {});

struct HuberOptions {
    Reduction reduction = Reduction::mean;
    double delta = 1;
};
/// d^2 / 2 for |d| < delta, else delta (|d| - delta / 2)
ADJOINT_API Tensor huber_loss(const Tensor& x, const Tensor& y, const HuberOptions& options = {});

struct BinaryCrossEntropyOptions {
    Tensor weight = {};
    Reduction reduction = Reduction::mean;
};
/// -w (t log p + (1 - t) log(1 - p)), logarithms clamped at -100; p in [0, 1].
ADJOINT_API Tensor binary_cross_entropy(const Tensor& p, const Tensor& t,
                                        const BinaryCrossEntropyOptions& options = {});

struct BinaryCrossEntropyWithLogitsOptions {
    Tensor pos_weight = {};  ///< multiplies the term of t
    Reduction reduction = Reduction::mean;
};
/// The same of p = sigmoid(x), stable for any x.
ADJOINT_API Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& t,
                                                    const BinaryCrossEntropyWithLogitsOptions& options = {});

struct KLDivOptions {
    Reduction reduction = Reduction::mean;
    bool log_target = false;  ///< t is log-probabilities, too
    bool batchmean =
        false;  ///< the sum over the size of dimension 0, which is the divergence, in the place of the mean
};
/// t (log t - x) with x log-probabilities. Mean divides by the number of elements unless `batchmean`.
/// errors: ValueError for batchmean with another reduction than the mean.
ADJOINT_API Tensor kl_div(const Tensor& x, const Tensor& t, const KLDivOptions& options = {});

}  // namespace adjoint
