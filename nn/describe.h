// The options of a layer as text, for printing.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include <adjoint/core/base/export.h>

namespace adjoint::nn::detail {

/// "alpha=1, beta=0.5"
ADJOINT_API std::string describe(std::initializer_list<std::pair<const char*, double>> options);

}  // namespace adjoint::nn::detail
