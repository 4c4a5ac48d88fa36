// What of the options of fit is refused before it begins. Private.
#pragma once

#include <adjoint/data/dataset.h>
#include <adjoint/train/fit.h>

namespace adjoint::train {

/// errors: ValueError and ShapeError for options that cannot be, or not with these samples.
void check_options(const data::Samples& samples, const FitOptions& options);

}  // namespace adjoint::train
