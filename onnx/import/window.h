// Windows that move over an image, as convolutions and pooling have them: sizes, steps, padding. Private.
#pragma once

#include <adjoint/onnx/import/helpers.h>

namespace adjoint::onnx {

/// What the attributes auto_pad, kernel_shape, strides, dilations, pads and ceil_mode say; lists
/// may be empty.
struct WindowAttributes {
    std::string auto_pad;
    Integers kernel, strides, dilations, pads;
    bool ceil = false;
};
WindowAttributes window_attributes(const Build& build);

/// One spatial axis, worked out for an image.
struct WindowAxis {
    std::int64_t kernel = 1, stride = 1, dilation = 1, before = 0, after = 0;
    std::int64_t result = 0;  ///< how many windows there are
    std::int64_t extra = 0;   ///< what the last one hangs over the padded end (ceil_mode)

    std::int64_t extent() const noexcept { return dilation * (kernel - 1) + 1; }
};

/// The axes of an image of these spatial sizes, for a kernel of these.
/// errors: ValueError for sizes that make no sense; ShapeError for a kernel larger than the padded image.
std::vector<WindowAxis> window_axes(const WindowAttributes& attributes, const Integers& image,
                                    const Integers& kernel);

/// The spatial sizes of x, those after the first two.
Integers spatial_sizes(const Tensor& x);

/// x (N, C, ...) with `value` around it.
Tensor padded_image(const Tensor& x, const std::vector<WindowAxis>& axes, double value,
                    bool with_extra = false);

/// x[.., i :: stride, ..] along a spatial axis: for each window the element at place `at` of it.
Tensor window_elements(const Tensor& x, int dim, const WindowAxis& axis, std::int64_t at);

}  // namespace adjoint::onnx
