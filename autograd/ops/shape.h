// Views and rearrangements: what changes where elements stand, not what they are.
//
// A view shares memory with its source; reshape, flatten and contiguous give a view where strides allow it,
// else a copy. dims: negative numbers count from the end.
// errors: ShapeError, IndexError naming the operation.
#pragma once

#include <span>
#include <vector>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// One size may be -1: what is left over.
/// errors: ShapeError if it does not divide, or is ambiguous (zero elements).
ADJOINT_API Tensor reshape(const Tensor& x, const Shape& shape);
ADJOINT_API Tensor flatten(const Tensor& x, int start = 0, int end = -1);
/// A size of -1 keeps the tensor's own.
ADJOINT_API Tensor expand(const Tensor& x, const Shape& shape);
ADJOINT_API Tensor broadcast_to(const Tensor& x, const Shape& shape);
ADJOINT_API Tensor permute(const Tensor& x, const Shape& dims);
ADJOINT_API Tensor transpose(const Tensor& x, int a, int b);
/// Exchanges the two dimensions of a matrix; 0-d and 1-d tensors stay.
ADJOINT_API Tensor t(const Tensor& x);
/// Removes dimensions of size 1: all, or the one named if it has size 1.
ADJOINT_API Tensor squeeze(const Tensor& x);
ADJOINT_API Tensor squeeze(const Tensor& x, int dim);
ADJOINT_API Tensor unsqueeze(const Tensor& x, int dim);
/// x[.., start : start + length, ..]
ADJOINT_API Tensor narrow(const Tensor& x, int dim, std::int64_t start, std::int64_t length);
/// x[.., start : stop : step, ..] with Python's rules for negative and too large bounds; step >= 1.
ADJOINT_API Tensor slice(const Tensor& x, int dim, std::int64_t start, std::int64_t stop,
                         std::int64_t step = 1);
/// x[.., index, ..]: one dimension less.
ADJOINT_API Tensor select(const Tensor& x, int dim, std::int64_t index);
ADJOINT_API std::vector<Tensor> split(const Tensor& x, std::int64_t size, int dim = 0);
ADJOINT_API std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int dim = 0);
ADJOINT_API std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, int dim = 0);

/// All selections along a dimension, whose gradients come back as one tensor.
ADJOINT_API std::vector<Tensor> unbind(const Tensor& x, int dim = 0);

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

enum class PadMode { constant, reflect, replicate, circular };
/// Pads from the last dimension: {left, right, top, bottom, ...}; negative amounts crop.
ADJOINT_API Tensor pad(const Tensor& x, const Shape& amounts, PadMode mode = PadMode::constant,
                       double value = 0);

/// The lower or upper triangle of the last two dimensions, zero elsewhere.
ADJOINT_API Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
ADJOINT_API Tensor triu(const Tensor& x, std::int64_t diagonal = 0);
/// A vector on the diagonal of a matrix, or the diagonal of a matrix as a vector.
ADJOINT_API Tensor diag(const Tensor& x, std::int64_t diagonal = 0);

}  // namespace adjoint
