// Normalisation and dropout.
#pragma once

#include <adjoint/autograd/function.h>

namespace adjoint {

struct BatchNormOptions {
    bool training = false;
    double momentum = 0.1;
    double eps = 1e-5;
};
/// (x - mean) / sqrt(var + eps) weight + bias per channel (dimension 1), statistics over all other
/// dimensions. In training the biased variance of the batch normalises and running_mean, running_var
/// (unbiased) are moved towards it by momentum; otherwise they normalise. shapes: x (N, C, ...), the others
/// (C) or undefined. errors: ValueError in training with one value per channel. Source: Ioffe and Szegedy,
/// Batch normalization, ICML 2015.
ADJOINT_API Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                              const Tensor& weight = {}, const Tensor& bias = {},
                              const BatchNormOptions& options = {});

/// In training, each element is 0 with probability p, else divided by 1 - p; otherwise x itself.
/// errors: ValueError for p outside [0, 1]. Source: Srivastava et al., Dropout, JMLR 15, 2014.
ADJOINT_API Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace adjoint
