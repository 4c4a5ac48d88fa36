// Normalisation layers that look at each sample alone.
#pragma once

#include <optional>

#include <adjoint/autograd/ops/layer_norm.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct LayerNormOptions {
    double eps = 1e-5;
    bool elementwise_affine = true;
    bool bias = true;
};
/// layer_norm over the trailing dimensions `normalized_shape`, with weight 1 and bias 0 to begin with.
class ADJOINT_API LayerNorm : public Module {
  public:
    explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
    explicit LayerNorm(std::int64_t size, const LayerNormOptions& options = {})
        : LayerNorm(Shape{size}, options) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return layer_norm(x, shape_, weight, bias, eps_); });
    }

    const Parameter weight, bias;  // of normalized_shape, undefined unless affine

  private:
    Shape shape_;
    double eps_;
};

struct RMSNormOptions {
    std::optional<double> eps = {};  ///< that of the type computed in unless given
    bool elementwise_affine = true;
};
/// rms_norm over the trailing dimensions `normalized_shape`, with weight 1 to begin with.
class ADJOINT_API RMSNorm : public Module {
  public:
    explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
    explicit RMSNorm(std::int64_t size, const RMSNormOptions& options = {}) : RMSNorm(Shape{size}, options) {}
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return rms_norm(x, shape_, weight, eps_); });
    }

    const Parameter weight;  // of normalized_shape, undefined unless affine

  private:
    Shape shape_;
    std::optional<double> eps_;
};

struct GroupNormOptions {
    double eps = 1e-5;
    bool affine = true;
};
/// group_norm with weight 1 and bias 0 to begin with.
/// errors: ValueError unless the groups divide the channels.
class ADJOINT_API GroupNorm : public Module {
  public:
    GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options = {});
    Tensor operator()(const Tensor& x) const {
        return computed(x, [&] { return group_norm(x, groups_, weight, bias, eps_); });
    }

    const Parameter weight, bias;  // (C), undefined unless affine

  private:
    std::int64_t groups_;
    double eps_;
};

struct InstanceNormLayerOptions {
    double eps = 1e-5;
    double momentum = 0.1;
    bool affine = false;
    bool track_running_stats = false;  ///< with, evaluation uses running statistics
};
/// instance_norm.
/// shapes: (N, C, H, W).
class ADJOINT_API InstanceNorm2d : public Module {
  public:
    explicit InstanceNorm2d(std::int64_t channels, const InstanceNormLayerOptions& options = {});
    Tensor operator()(const Tensor& x) const;

    const Parameter weight, bias;                                 // (C), undefined unless affine
    const Buffer running_mean, running_var, num_batches_tracked;  // undefined unless tracked

  private:
    InstanceNormLayerOptions options_;
};

}  // namespace adjoint::nn
