// Convolution layers.
#pragma once

#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct Conv1dLayerOptions {
    std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
    bool bias = true;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// conv1d with a weight (out, in / groups, kernel) and a bias (out), uniform in
/// +-1 / sqrt(in / groups kernel).
/// shapes: (N, in, L) -> (N, out, L'), also without N.
/// errors: ValueError for sizes that make no sense.
class ADJOINT_API Conv1d : public Module {
  public:
    Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
           const Conv1dLayerOptions& options = {});
    /// With an activation behind it in the same pass.
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const;

    const Parameter weight, bias;

  private:
    Conv1dOptions options_;
};

struct Conv2dLayerOptions {
    HeightWidth stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// conv2d with a weight (out, in / groups, kernel) and a bias (out), uniform in
/// +-1 / sqrt(in / groups kernel).
/// shapes: (N, in, H, W) -> (N, out, H', W'), also without N.
/// errors: ValueError for sizes that make no sense.
class ADJOINT_API Conv2d : public Module {
  public:
    Conv2d(std::int64_t in_channels, std::int64_t out_channels, HeightWidth kernel_size,
           const Conv2dLayerOptions& options = {});
    /// With an activation behind it in the same pass.
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const;

    const Parameter weight, bias;

  private:
    Conv2dOptions options_;
};

struct ConvTranspose2dLayerOptions {
    HeightWidth stride = 1, padding = 0, output_padding = 0;
    std::int64_t groups = 1;
    bool bias = true;
    HeightWidth dilation = 1;
    DType dtype = default_dtype();
    Device device = default_device();
};

/// conv_transpose2d with a weight (in, out / groups, kernel) and a bias (out), uniform in
/// +-1 / sqrt(out / groups kernel).
/// shapes: (N, in, H, W) -> (N, out, H', W'), also without N.
class ADJOINT_API ConvTranspose2d : public Module {
  public:
    ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, HeightWidth kernel_size,
                    const ConvTranspose2dLayerOptions& options = {});
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return conv_transpose2d(x, weight, bias, options_); });
    }

    const Parameter weight, bias;

  private:
    ConvTranspose2dOptions options_;
};

}  // namespace adjoint::nn
