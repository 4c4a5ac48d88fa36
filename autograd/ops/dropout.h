// Dropout.
#pragma once

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// In training, each element is 0 with probability p, else divided by 1 - p; otherwise x itself.
/// errors: ValueError for p outside [0, 1].
/// source: Srivastava et al., Dropout, JMLR 15, 2014.
ADJOINT_API Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace adjoint
