// Losses of classes: cross entropy and the negative log-likelihood.
#pragma once

#include <adjoint/autograd/ops/loss.h>

namespace adjoint {

struct NllOptions {
    Tensor weight = {};  ///< per class
    Reduction reduction = Reduction::mean;
    std::int64_t ignore_index = -100;  ///< such targets count nothing
};
/// -w[t] x[t] for log-probabilities x. Mean divides by the sum of the weights used.
/// shapes: x (N, C) or (N, C, ...), t (N) or (N, ...) integers.
/// errors: IndexError naming a label out of range.
ADJOINT_API Tensor nll_loss(const Tensor& x, const Tensor& t, const NllOptions& options = {});

struct CrossEntropyOptions {
    Tensor weight = {};
    Reduction reduction = Reduction::mean;
    std::int64_t ignore_index = -100;
    double label_smoothing = 0;
};
/// nll_loss of log_softmax(x); targets are class numbers, or probabilities of x's shape.
/// All targets ignored, mean: NaN. Of one class alone the loss is always 0, and a warning says so.
/// shapes, errors: as nll_loss.
ADJOINT_API Tensor cross_entropy(const Tensor& x, const Tensor& t, const CrossEntropyOptions& options = {});

}  // namespace adjoint
