// Batch normalisation as a part of the layer in front of it. Private.
#pragma once

#include <adjoint/onnx/export/traced.h>

namespace adjoint::onnx::exporting {

/// Changes all runs alike: where a batch normalisation by running statistics is all that takes the result of
/// a convolution or linear layer, the layer's weights do its work and it becomes an alias.
void fold_batch_norm(TracedRuns& runs);

}  // namespace adjoint::onnx::exporting
