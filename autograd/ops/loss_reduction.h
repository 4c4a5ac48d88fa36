// The last step of a loss. Private to the losses.
#pragma once

#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>

namespace adjoint {

/// The name of a reduction as an attribute.
inline const char* name_of(Reduction reduction) {
    return reduction == Reduction::none ? "none" : reduction == Reduction::mean ? "mean" : "sum";
}

inline Tensor reduce_loss(const Tensor& loss, Reduction reduction) {
    if (reduction == Reduction::none) return loss;
    return reduction == Reduction::mean ? mean(loss) : sum(loss);
}

}  // namespace adjoint
