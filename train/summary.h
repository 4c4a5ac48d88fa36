// A table of a model's parameters.
#pragma once

#include <string>

#include <adjoint/nn/module.h>

namespace adjoint::train {

/// Name, shape and number of elements of every parameter and buffer, and the totals with their memory.
ADJOINT_API std::string summary(const nn::Module& module);

}  // namespace adjoint::train
