// Images read at other places: resizing, and sampling at the points of a grid.
#pragma once

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint {

/// How values between pixels are found.
enum class InterpolateMode { nearest, bilinear };

struct InterpolateOptions {
    HeightWidth size = {};    ///< of the result; either this
    double scale_factor = 0;  ///< or this: the result's size is the input's times it, rounded down
    InterpolateMode mode = InterpolateMode::nearest;
    bool align_corners = false;  ///< bilinear: the centres of the corner pixels stay corners, else the edges
};
/// An image in another size.
/// shapes: (N, C, H, W) -> (N, C, H', W').
/// dtypes: floating.
/// errors: ValueError unless exactly one of size and scale_factor is given.
ADJOINT_API Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

/// Where the pixels of an affinely mapped image come from: theta times (x, y, 1), coordinates in [-1, 1].
/// shapes: theta (N, 2, 3), size {N, C, H, W} -> (N, H, W, 2).
ADJOINT_API Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners = false);

struct GridSampleOptions {
    bool align_corners = false;  ///< whether -1 and 1 are the centres of the outermost pixels or their edges
};
/// The image at the points (x, y) of the grid, bilinear; 0 outside.
/// shapes: x (N, C, H, W), grid (N, H', W', 2) -> (N, C, H', W').
/// dtypes: floating, both the same.
/// source: Jaderberg et al., Spatial transformer networks, NeurIPS 2015.
ADJOINT_API Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

}  // namespace adjoint
