// Order and running totals along a dimension.
//
// dim: negative numbers count from the end.
// errors: IndexError for a dimension out of range.
#pragma once

#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// The elements in order and where they stood (i64). Stable; NaN counts as the largest.
ADJOINT_API ValuesIndices sort(const Tensor& x, int dim = -1, bool descending = false);
/// The indices that sort() gives.
ADJOINT_API Tensor argsort(const Tensor& x, int dim = -1, bool descending = false);
/// The k largest or smallest, best first, and where they stood.
/// errors: ValueError unless 0 <= k <= size.
ADJOINT_API ValuesIndices topk(const Tensor& x, std::int64_t k, int dim = -1, bool largest = true);

/// Each value once, and where it came from.
struct UniqueValues {
    Tensor values, inverse, counts;
};
/// The distinct elements in ascending order as a vector, the place in it of each element of x, and how often
/// each occurs (both i64). Each NaN is a value of its own; no gradient.
ADJOINT_API UniqueValues unique(const Tensor& x);

/// y_i = x_0 + .. + x_i; integers and bool give i64.
ADJOINT_API Tensor cumsum(const Tensor& x, int dim);
/// y_i = x_0 .. x_i; the derivative is exact where elements are 0, too.
ADJOINT_API Tensor cumprod(const Tensor& x, int dim);

}  // namespace adjoint
