// Views: a tensor's memory seen with other dimensions.
//
// A view shares memory with its source; reshape, flatten and contiguous give a view where strides allow it,
// else a copy. dims: negative numbers count from the end.
// errors: ShapeError, IndexError naming the operation.
#pragma once

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

}  // namespace adjoint
