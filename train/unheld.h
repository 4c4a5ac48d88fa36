// Leaves that learn nothing: they receive a gradient and no optimizer holds them. Private.
#pragma once

#include <adjoint/train/run.h>

namespace adjoint::train {

/// Warns of leaves that `loss`, after its backward pass, reached, and that neither the optimizer
/// nor the module holds: members that were not registered with child() or parameter(). What
/// belongs to the batch is none.
void warn_of_unheld_leaves(const Tensor& loss, const Trainee& trainee, const optim::Optimizer& optimizer,
                           const data::Batch& batch);

}  // namespace adjoint::train
