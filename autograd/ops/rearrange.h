// Rearrangements: elements taken apart, joined, repeated, moved, or left out.
//
// dims: negative numbers count from the end.
// errors: ShapeError, IndexError naming the operation.
#pragma once

#include <span>
#include <vector>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// All selections along a dimension, whose gradients come back as one tensor.
ADJOINT_API std::vector<Tensor> unbind(const Tensor& x, int dim = 0);

/// Tensors one behind the other along a dimension that they have, or along a new one.
ADJOINT_API Tensor cat(std::span<const Tensor> tensors, int dim = 0);
ADJOINT_API Tensor cat(std::initializer_list<Tensor> tensors, int dim = 0);
ADJOINT_API Tensor stack(std::span<const Tensor> tensors, int dim = 0);
ADJOINT_API Tensor stack(std::initializer_list<Tensor> tensors, int dim = 0);
/// Tiles: repeat(x, {2, 3}) for x of (n,) gives (2, 3 n).
ADJOINT_API Tensor repeat(const Tensor& x, const Shape& times);
/// Reverses the order along each dimension named.
ADJOINT_API Tensor flip(const Tensor& x, const Shape& dims);
/// Shifts along dimensions; what leaves at one end enters at the other.
ADJOINT_API Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims);

/// What stands outside of the edge.
enum class PadMode { constant, reflect, replicate, circular };
/// Pads from the last dimension: {left, right, top, bottom, ...}; negative amounts crop, and a circle closes
/// over what they leave.
ADJOINT_API Tensor pad(const Tensor& x, const Shape& amounts, PadMode mode = PadMode::constant,
                       double value = 0);

/// The lower or upper triangle of the last two dimensions, zero elsewhere.
ADJOINT_API Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
ADJOINT_API Tensor triu(const Tensor& x, std::int64_t diagonal = 0);
/// A vector on the diagonal of a matrix, or the diagonal of a matrix as a vector.
ADJOINT_API Tensor diag(const Tensor& x, std::int64_t diagonal = 0);

}  // namespace adjoint
