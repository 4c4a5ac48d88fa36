// The options of a layer as text, for printing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include <adjoint/core/base/export.h>

namespace adjoint::nn::detail {

/// "alpha=1, beta=0.5"
ADJOINT_API std::string describe(std::initializer_list<std::pair<const char*, double>> options);

/// "784 -> 10", as errors show a layer's sizes.
ADJOINT_API std::string from_to(std::int64_t from, std::int64_t to);

}  // namespace adjoint::nn::detail
