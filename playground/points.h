// The data sets: points of the plane with what is to be found of each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::playground {

/// Positions (n, 2), about -6 to 6, and targets (n, 1): 1 or -1 for the two classes, else a number between.
struct Points {
    Tensor x, y;
};

Points circle(std::int64_t count, double noise);
Points exclusive_or(std::int64_t count, double noise);
Points gauss(std::int64_t count, double noise);
Points spiral(std::int64_t count, double noise);
Points plane(std::int64_t count, double noise);
Points hills(std::int64_t count, double noise);

/// The definition of one of these functions with the comment above it, as a program has it.
/// errors: ValueError for a name that is none.
std::string definition(std::string_view function);

}  // namespace adjoint::playground
