// Products of bf16 where the processor has instructions for them.
#pragma once

#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu {

/// c = a b + bias, summed in f32 in an order that depends on k alone, and rounded once; on several threads
/// where that pays.
void product_of_pairs(const PairKernels& kernels, const GemmCall& call);

}  // namespace adjoint::cpu
