// What every row of the operator table is held to, on any device: values, gradients, second gradients, memory
// layouts, and the CPU's results. Failures are GoogleTest's.
#pragma once

#include <set>
#include <string>

#include "op_table/op_table.h"

namespace adjoint::table {

/// The row's reference, in f64 and f32.
void expect_values(const Row& row, Device device);
/// Any memory layout of the inputs, broadcast ones included, gives what dense inputs give, in every type.
void expect_any_layout(const Row& row, Device device);
/// The same for the incoming gradient.
void expect_any_incoming_layout(const Row& row, Device device);
/// Finite differences of first and second order; the fused and the recorded backward pass agree.
void expect_derivatives(const Row& row, Device device);
/// f32 agrees with f64 and gives gradients of f32.
void expect_single_precision(const Row& row, Device device);
/// f16 and bf16 agree with f64 at the same inputs to the rounding of some operations, and give gradients of
/// their own type.
void expect_half_precision(const Row& row, Device device);
/// All of the above.
void expect_everything(const Row& row, Device device);
/// Outputs and gradients are the CPU's in every floating type.
void expect_as_on_cpu(const Row& row, Device device);

std::set<std::string> all_operators();

}  // namespace adjoint::table
