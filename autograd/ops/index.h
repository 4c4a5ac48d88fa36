// Picking elements by index.
#pragma once

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// out[i][j] = x[index[i][j]][j] for dim 0, and so on; index (i64) has x's rank.
/// A negative index counts from the end.
/// errors: IndexError for an index out of range.
ADJOINT_API Tensor gather(const Tensor& x, int dim, const Tensor& index);
/// x with src added at index along dim; places that occur several times add up.
ADJOINT_API Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src);
/// x with src, or one number, written at index along dim; where a place occurs several times the last element
/// in row-major order is there, and takes the gradient alone.
ADJOINT_API Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src);
/// The slices of x along dim that the 1-d index names.
ADJOINT_API Tensor index_select(const Tensor& x, int dim, const Tensor& index);
/// x with the slices of src added to those that the 1-d index names.
ADJOINT_API Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src);
/// Rows of a table. The row padding_idx receives no gradient.
/// shapes: weight (n, d), index any -> (.., d).
ADJOINT_API Tensor embedding(const Tensor& weight, const Tensor& index, std::int64_t padding_idx = -1);
/// 1 at the place each class number names, 0 elsewhere (i64).
/// shapes: (..) -> (.., classes).
ADJOINT_API Tensor one_hot(const Tensor& index, std::int64_t classes = -1);
/// The places of the non-zero elements: (count, rank) of i64.
ADJOINT_API Tensor nonzero(const Tensor& x);
/// The elements where the mask is true, in order, as a vector.
ADJOINT_API Tensor masked_select(const Tensor& x, const Tensor& mask);

}  // namespace adjoint
