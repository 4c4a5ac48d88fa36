// Products and sums written with indices.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// Sums of products: "ij,jk->ik" is a matrix product. An index that is not behind the arrow is summed over,
/// one that occurs twice in an operand takes the diagonal, "..." stands for dimensions that broadcast.
/// Without an arrow the result has "..." and the indices that occur once,
/// in alphabetical order (A to Z first).
/// errors: ValueError for an equation that makes no sense; ShapeError for operands that do not fit it.
ADJOINT_API Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
ADJOINT_API Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands);

/// y_k = sum_ij x1_i weight_kij x2_j + bias_k.
/// shapes: (.., I), (.., J), (K, I, J), (K) or undefined -> (.., K).
/// errors: ShapeError for a misfit.
ADJOINT_API Tensor bilinear(const Tensor& x1, const Tensor& x2, const Tensor& weight,
                            const Tensor& bias = {});

}  // namespace adjoint
