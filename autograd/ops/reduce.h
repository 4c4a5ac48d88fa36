// Reductions over all or some dimensions.
//
// dims: negative numbers count from the end; an empty list means all. keepdim leaves dimensions of size 1.
// errors: IndexError for a dimension out of range or named twice; ShapeError for the largest of nothing.
#pragma once

#include <utility>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// Dimension numbers: sum(x, 0), sum(x, {0, -1}); none means all.
struct Dims {
    Shape list;
    Dims() = default;
    Dims(int dim) : list{dim} {}
    Dims(std::initializer_list<std::int64_t> dims) : list(dims) {}
};

/// The sum of all elements, or along dimensions; of nothing it is 0.
/// dtypes: integers and bool give i64.
ADJOINT_API Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The sum over the number of elements; the mean of nothing is NaN.
/// dtypes: floating only.
ADJOINT_API Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The product; of nothing it is 1.
ADJOINT_API Tensor prod(const Tensor& x);
ADJOINT_API Tensor prod(const Tensor& x, int dim, bool keepdim = false);
/// Largest, smallest; equal elements share the gradient evenly.
ADJOINT_API Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
ADJOINT_API Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
inline Tensor max(const Tensor& x) { return amax(x); }
inline Tensor min(const Tensor& x) { return amin(x); }

/// Values and where they stand (i64).
struct ValuesIndices {
    Tensor values, indices;
};
/// Largest or smallest along a dimension and where it stands; the first of equals takes the gradient.
ADJOINT_API ValuesIndices max(const Tensor& x, int dim, bool keepdim = false);
ADJOINT_API ValuesIndices min(const Tensor& x, int dim, bool keepdim = false);
/// Index (i64) of the first largest or smallest, of the flattened tensor or along
/// a dimension; the first NaN wins.
ADJOINT_API Tensor argmax(const Tensor& x);
ADJOINT_API Tensor argmax(const Tensor& x, int dim, bool keepdim = false);
ADJOINT_API Tensor argmin(const Tensor& x);
ADJOINT_API Tensor argmin(const Tensor& x, int dim, bool keepdim = false);

struct VarOptions {
    bool unbiased = true;  ///< times n / (n - 1)
};
/// Mean square distance from the mean; two passes. One sample, unbiased: NaN.
ADJOINT_API Tensor var(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
                       const VarOptions& options = {});
/// The root of var; its gradient at 0 is 0. Under `using namespace adjoint` the name alone is ambiguous with
/// the namespace std: say stddev(x) there.
ADJOINT_API Tensor std(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
                       const VarOptions& options = {});
inline Tensor stddev(const Tensor& x, const Dims& dims = {}, bool keepdim = false,
                     const VarOptions& options = {}) {
    return std(x, dims, keepdim, options);
}
/// (sum |x|^p)^(1/p), p > 0 or infinity; the gradient at the zero vector is 0.
ADJOINT_API Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);

/// log(sum exp x), stable; -inf where all are -inf.
ADJOINT_API Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);

/// all(x): whether every element is non-zero (bool). As an index, x(all, 0): the whole dimension.
struct ADJOINT_API All {
    Tensor operator()(const Tensor& x) const;
};
inline constexpr All all{};               ///< all(x), and as an index the whole dimension
ADJOINT_API Tensor any(const Tensor& x);  ///< bool

/// The sum over the dimensions in which `x` was broadcast from `shape`, in that shape.
/// errors: ShapeError naming `op` if x is no broadcast of it.
ADJOINT_API Tensor sum_to_shape(const char* op, const Tensor& x, const Shape& shape);

}  // namespace adjoint
