// Pooling: windows of an image put together to one value each.
//
// kernel_size, stride, padding, dilation: one number, or a pair for height and width; a stride left out is
// the kernel's size. Inputs without the batch dimension give results without it.
// dtypes: floating.
// errors: ValueError for a setting out of range or padding beyond half the kernel; ShapeError for a kernel
// larger than the padded input.
#pragma once

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint {

struct MaxPool2dOptions {
    HeightWidth stride = {}, padding = 0, dilation = 1;
    bool ceil_mode = false;  ///< also windows that hang over the end, if they begin before it
};
/// The largest of each window; padding counts as -inf, NaN wins, the first of equals takes the gradient.
/// shapes: (N, C, H, W) -> (N, C, H', W').
ADJOINT_API Tensor max_pool2d(const Tensor& x, HeightWidth kernel_size, const MaxPool2dOptions& options = {});
/// The same with the place of each maximum in its plane (i64, h W + w).
ADJOINT_API ValuesIndices max_pool2d_with_indices(const Tensor& x, HeightWidth kernel_size,
                                                  const MaxPool2dOptions& options = {});

struct MaxPool1dOptions {
    std::int64_t stride = HeightWidth::unset, padding = 0, dilation = 1;
    bool ceil_mode = false;
};
/// shapes: (N, C, L) -> (N, C, L').
ADJOINT_API Tensor max_pool1d(const Tensor& x, std::int64_t kernel_size,
                              const MaxPool1dOptions& options = {});

struct AvgPool2dOptions {
    HeightWidth stride = {}, padding = 0;
    bool ceil_mode = false;
    bool count_include_pad = true;      ///< zeros of the padding count as elements
    std::int64_t divisor_override = 0;  ///< if positive: what sums are divided by
};
/// The mean of each window.
/// shapes: (N, C, H, W) -> (N, C, H', W').
ADJOINT_API Tensor avg_pool2d(const Tensor& x, HeightWidth kernel_size, const AvgPool2dOptions& options = {});

struct AvgPool1dOptions {
    std::int64_t stride = HeightWidth::unset, padding = 0;
    bool ceil_mode = false;
    bool count_include_pad = true;
};
/// shapes: (N, C, L) -> (N, C, L').
ADJOINT_API Tensor avg_pool1d(const Tensor& x, std::int64_t kernel_size,
                              const AvgPool1dOptions& options = {});

/// Means over output_size windows that cover the image: from floor(i H / H') to ceil((i + 1) H / H').
/// shapes: (N, C, H, W) -> (N, C, H', W').
ADJOINT_API Tensor adaptive_avg_pool2d(const Tensor& x, HeightWidth output_size);

/// The largest of each `pieces` neighbours along a dimension, of equal ones the first.
/// shapes: size n -> n / pieces there.
/// errors: ValueError for pieces below 1; ShapeError unless they divide it.
/// source: Goodfellow et al., Maxout networks, ICML 2013.
ADJOINT_API Tensor maxout(const Tensor& x, std::int64_t pieces, int dim = 1);

}  // namespace adjoint
