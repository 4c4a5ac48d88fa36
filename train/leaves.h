// What a loss depends on beside what its optimizer moves. Private.
#pragma once

#include <adjoint/train/run.h>

namespace adjoint::train {

/// Warns of leaves that `loss`, after its backward pass, reached, and that neither the optimizer
/// nor the module holds: members that were not registered with child() or parameter(). What
/// belongs to the batch is none.
/// errors: ValueError if it has reached nothing that the optimizer holds, which is another model's then.
void check_leaves(const Tensor& loss, const Trainee& trainee, const optim::Optimizer& optimizer,
                  const data::Batch& batch);

}  // namespace adjoint::train
