// The parameters of the normalisation layers that look at each sample alone.
#include <adjoint/nn/layer_norm.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>

namespace adjoint::nn {
namespace {

Tensor filled_if(bool wanted, const Shape& shape, double value) {
    return wanted ? full(shape, value) : Tensor();
}

std::string describe(std::int64_t groups, std::int64_t channels, const GroupNormOptions& options) {
    check<ValueError>(groups >= 1 && channels >= 1 && channels % groups == 0,
                      "GroupNorm: {} groups do not divide {} channels", groups, channels);
    return fmt::format("{}, {}, eps={}, affine={}", groups, channels, options.eps, options.affine);
}

std::string describe(std::int64_t channels, const InstanceNormLayerOptions& options) {
    check<ValueError>(channels >= 1, "InstanceNorm2d: {} channels, expected at least 1", channels);
    return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", channels, options.eps,
                       options.momentum, options.affine, options.track_running_stats);
}

}  // namespace

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : Module("LayerNorm",
             fmt::format("{}, eps={}, elementwise_affine={}", normalized_shape, options.eps,
                         options.elementwise_affine),
             to_string(normalized_shape)),
      weight(parameter("weight", filled_if(options.elementwise_affine, normalized_shape, 1))),
      bias(parameter("bias", filled_if(options.elementwise_affine && options.bias, normalized_shape, 0))),
      shape_(normalized_shape),
      eps_(options.eps) {
    check<ValueError>(!normalized_shape.empty(), "LayerNorm: normalized_shape has no dimensions");
}

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : Module(
          "RMSNorm",
          fmt::format("{}{}, elementwise_affine={}", normalized_shape,
                      options.eps ? fmt::format(", eps={}", *options.eps) : "", options.elementwise_affine),
          to_string(normalized_shape)),
      weight(parameter("weight", filled_if(options.elementwise_affine, normalized_shape, 1))),
      shape_(normalized_shape),
      eps_(options.eps) {
    check<ValueError>(!normalized_shape.empty(), "RMSNorm: normalized_shape has no dimensions");
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels, const GroupNormOptions& options)
    : Module("GroupNorm", describe(num_groups, num_channels, options),
             fmt::format("{} groups of {}", num_groups, num_channels)),
      weight(parameter("weight", filled_if(options.affine, {num_channels}, 1))),
      bias(parameter("bias", filled_if(options.affine, {num_channels}, 0))),
      groups_(num_groups),
      eps_(options.eps) {}

InstanceNorm2d::InstanceNorm2d(std::int64_t channels, const InstanceNormLayerOptions& options)
    : Module("InstanceNorm2d", describe(channels, options), std::to_string(channels)),
      weight(parameter("weight", filled_if(options.affine, {channels}, 1))),
      bias(parameter("bias", filled_if(options.affine, {channels}, 0))),
      running_mean(buffer("running_mean", filled_if(options.track_running_stats, {channels}, 0))),
      running_var(buffer("running_var", filled_if(options.track_running_stats, {channels}, 1))),
      num_batches_tracked(buffer("num_batches_tracked", options.track_running_stats ? Tensor(0) : Tensor())),
      options_(options) {}

Tensor InstanceNorm2d::operator()(const Tensor& x) const {
    return computed(x, [&] {
        check<ShapeError>(x.dim() == 4, "instance_norm: the layer takes 4 dimensions, got {}", x.shape());
        const bool tracked = running_mean.defined();
        Tensor y = instance_norm(x, running_mean, running_var, weight, bias,
                                 {.use_input_stats = is_training() || !tracked,
                                  .momentum = options_.momentum,
                                  .eps = options_.eps});
        if (tracked && is_training()) num_batches_tracked.copy_(num_batches_tracked + 1);
        return y;
    });
}

}  // namespace adjoint::nn
