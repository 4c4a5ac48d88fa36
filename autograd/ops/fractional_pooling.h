// Fractional max pooling: windows whose distances vary.
#pragma once

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint {

struct FractionalMaxPool2dOptions {
    HeightWidth output_size = {};  ///< either this
    double output_ratio = 0;       ///< or this: the result's size is the input's times it, rounded down
    Tensor samples = {};           ///< (2) in [0, 1), for height and width: where windows begin; else drawn
};
/// The largest of windows whose distances vary around a fraction, the same for all samples and channels:
/// window i of n begins at floor((i + u) a) - floor(u a), a = (H - K) / (n - 1), the last at H - K.
/// shapes: (N, C, H, W) -> (N, C, H', W').
/// errors: ValueError unless exactly one of output_size and output_ratio is given.
/// source: Graham, Fractional max-pooling, 2014.
ADJOINT_API Tensor fractional_max_pool2d(const Tensor& x, HeightWidth kernel_size,
                                         const FractionalMaxPool2dOptions& options);

}  // namespace adjoint
