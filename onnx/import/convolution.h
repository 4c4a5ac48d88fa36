// Convolutions over one to three axes, for floating and quantised operators. Private.
#pragma once

#include <adjoint/onnx/import/window.h>

namespace adjoint::onnx {

struct ConvolutionAttributes {
    WindowAttributes window;
    std::int64_t groups = 1;
};
ConvolutionAttributes convolution_attributes(const Build& build);

/// x (N, C, ...) with w (F, C / groups, ...) and an undefined or (F) bias, and an activation behind it.
Tensor convolved(const Tensor& x, const Tensor& w, const Tensor& bias,
                 const ConvolutionAttributes& attributes, Activation then = Activation::none);

}  // namespace adjoint::onnx
