// Batch normalisation.
#pragma once

#include <adjoint/autograd/record/function.h>
#include <adjoint/core/contract/epilogue.h>

namespace adjoint {

struct BatchNormOptions {
    bool training = false;
    double momentum = 0.1;
    double eps = 1e-5;
    Tensor batches = {};                 ///< in training one more is counted here (0-d, i64)
    Activation then = Activation::none;  ///< of the result, in the same pass where it can be: the same bits
};
/// (x - mean) / sqrt(var + eps) weight + bias per channel (dimension 1), statistics over all other
/// dimensions. In training the biased variance of the batch normalises and running_mean, running_var
/// (unbiased) are moved towards it by momentum; otherwise they normalise.
/// shapes: x (N, C, ...), the others (C) or undefined.
/// errors: ValueError in training with one value per channel.
/// source: Ioffe and Szegedy, Batch normalization, ICML 2015.
ADJOINT_API Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                              const Tensor& weight = {}, const Tensor& bias = {},
                              const BatchNormOptions& options = {});

}  // namespace adjoint
