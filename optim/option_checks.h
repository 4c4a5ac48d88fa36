// What the options of optimizers have in common: numbers that may not be negative, shares below one.
#pragma once

#include <initializer_list>
#include <utility>

namespace adjoint::optim::detail {

using NamedNumbers = std::initializer_list<std::pair<const char*, double>>;

/// Throws ValueError naming the first number that is negative or NaN.
void check_not_negative(const char* op, NamedNumbers options);
/// Throws ValueError naming the first number outside [0, 1).
void check_shares(const char* op, NamedNumbers options);

}  // namespace adjoint::optim::detail
