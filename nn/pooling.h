// Pooling and resizing layers: they keep nothing but their settings.
#pragma once

#include <adjoint/autograd/ops/fractional_pooling.h>
#include <adjoint/autograd/ops/pooling.h>
#include <adjoint/autograd/ops/resample.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// max_pool1d() as a layer.
class ADJOINT_API MaxPool1d : public Module {
  public:
    explicit MaxPool1d(std::int64_t kernel_size, const MaxPool1dOptions& options = {});
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return max_pool1d(x, kernel_size_, options_); });
    }

  private:
    std::int64_t kernel_size_;
    MaxPool1dOptions options_;
};

/// max_pool2d() as a layer.
class ADJOINT_API MaxPool2d : public Module {
  public:
    explicit MaxPool2d(HeightWidth kernel_size, const MaxPool2dOptions& options = {});
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return max_pool2d(x, kernel_size_, options_); });
    }

  private:
    HeightWidth kernel_size_;
    MaxPool2dOptions options_;
};

/// avg_pool2d() as a layer.
class ADJOINT_API AvgPool2d : public Module {
  public:
    explicit AvgPool2d(HeightWidth kernel_size, const AvgPool2dOptions& options = {});
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return avg_pool2d(x, kernel_size_, options_); });
    }

  private:
    HeightWidth kernel_size_;
    AvgPool2dOptions options_;
};

/// adaptive_avg_pool2d() as a layer.
class ADJOINT_API AdaptiveAvgPool2d : public Module {
  public:
    explicit AdaptiveAvgPool2d(HeightWidth output_size);
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return adaptive_avg_pool2d(x, output_size_); });
    }

  private:
    HeightWidth output_size_;
};

/// Max pooling to a fraction of the size, with windows drawn anew at every call, in evaluation too.
class ADJOINT_API FractionalMaxPool2d : public Module {
  public:
    FractionalMaxPool2d(HeightWidth kernel_size, const FractionalMaxPool2dOptions& options);
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return fractional_max_pool2d(x, kernel_size_, options_); });
    }

  private:
    HeightWidth kernel_size_;
    FractionalMaxPool2dOptions options_;
};

/// interpolate with fixed settings.
class ADJOINT_API Upsample : public Module {
  public:
    explicit Upsample(const InterpolateOptions& options);
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return interpolate(x, options_); });
    }

  private:
    InterpolateOptions options_;
};

}  // namespace adjoint::nn
