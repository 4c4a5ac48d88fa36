// Convolutions (cross-correlations, as everywhere in this field) and what they are made of.
//
// stride, padding, dilation: one number, or a pair for height and width. Inputs without the batch dimension
// give results without it.
// dtypes: floating.
// errors: ValueError for a setting out of range or groups that do not divide the channels; ShapeError for
// channels that do not fit or a kernel larger than the padded input.
#pragma once

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/core/contract/epilogue.h>

namespace adjoint {

struct Conv1dOptions {
    std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
    /// An activation of the result in the same pass, to the bit as if it were called behind it.
    Activation then = Activation::none;
};
/// y[n, f, i] = b[f] + sum over c, k of w[f, c, k] x[n, c, stride i - padding + dilation k].
/// shapes: x (N, C, L), w (F, C / groups, K), b (F) or undefined -> (N, F, L').
ADJOINT_API Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b = {},
                          const Conv1dOptions& options = {});

struct Conv2dOptions {
    HeightWidth stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    Activation then = Activation::none;  ///< as above
};
/// The same over two axes; H' = (H + 2 padding - dilation (K - 1) - 1) / stride + 1, rounded down.
/// shapes: x (N, C, H, W), w (F, C / groups, K, L), b (F) or undefined -> (N, F, H', W').
ADJOINT_API Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b = {},
                          const Conv2dOptions& options = {});

struct ConvTranspose2dOptions {
    HeightWidth stride = 1, padding = 0, output_padding = 0;
    std::int64_t groups = 1;
    HeightWidth dilation = 1;
};
/// The transpose of conv2d's map from x to y, plus a bias; H' = (H - 1) stride - 2 padding + dilation (K - 1)
/// + output_padding + 1.
/// shapes: x (N, C, H, W), w (C, F / groups, K, L), b (F) -> (N, F, H', W').
/// errors: ValueError unless output_padding is below the stride or the dilation.
ADJOINT_API Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& b = {},
                                    const ConvTranspose2dOptions& options = {});

struct UnfoldOptions {
    HeightWidth dilation = 1, padding = 0, stride = 1;
};
/// The windows of an image as columns, 0 for padding.
/// shapes: (N, C, H, W) -> (N, C K L, windows).
ADJOINT_API Tensor unfold(const Tensor& x, HeightWidth kernel_size, const UnfoldOptions& options = {});
/// The transpose of unfold: columns summed into an image of `output_size`.
/// shapes: (N, C K L, windows) -> (N, C, H, W).
ADJOINT_API Tensor fold(const Tensor& columns, HeightWidth output_size, HeightWidth kernel_size,
                        const UnfoldOptions& options = {});

}  // namespace adjoint
