// Limits for gradients before a step.
#pragma once

#include <span>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::optim {

struct ClipOptions {
    double norm_type = 2;             ///< p > 0 or infinity
    bool error_if_nonfinite = false;  ///< looks at the norm on the host
};
/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), where norm is that of all of them as one vector,
/// and returns the norm before (0-d; 0 if no parameter has a gradient). A NaN norm makes them NaN, visibly.
/// errors: ValueError for a negative max_norm, a NaN or infinite norm if error_if_nonfinite (nothing is
/// scaled then), and gradients that are shared out over ranks (distributed::DataParallel::clip_grad_norm_).
ADJOINT_API Tensor clip_grad_norm_(std::span<const Tensor> parameters, double max_norm,
                                   const ClipOptions& options = {});

/// Limits every element of every gradient to +-value.
/// errors: ValueError for a negative value.
ADJOINT_API void clip_grad_value_(std::span<const Tensor> parameters, double value);

}  // namespace adjoint::optim
