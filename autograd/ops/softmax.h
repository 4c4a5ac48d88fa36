// Softmax and its logarithm along a dimension.
#pragma once

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// exp(x_i - max) / sum_j exp(x_j - max)
ADJOINT_API Tensor softmax(const Tensor& x, int dim);
/// x_i - max - log sum_j exp(x_j - max)
ADJOINT_API Tensor log_softmax(const Tensor& x, int dim);

}  // namespace adjoint
