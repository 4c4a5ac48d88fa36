// The state of batch normalisation layers.
#include <adjoint/nn/batch_norm.h>

#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/module_state.h>

namespace adjoint::nn {
namespace {

std::string describe(std::int64_t channels, const BatchNormLayerOptions& options) {
    check<ValueError>(channels >= 0, "BatchNorm: {} channels", channels);
    const std::string momentum = options.momentum ? fmt::format("{}", *options.momentum) : "none";
    return fmt::format("{}, eps={}, momentum={}, affine={}, track_running_stats={}", channels, options.eps,
                       momentum, options.affine, options.track_running_stats);
}

Tensor vector_if(bool wanted, std::int64_t channels, double value) {
    return wanted ? full({channels}, value) : Tensor();
}

}  // namespace

BatchNorm::BatchNorm(const char* kind, std::int64_t channels, int min_rank, int max_rank,
                     const BatchNormLayerOptions& options)
    : Module(kind, describe(channels, options)),
      weight(parameter("weight", vector_if(options.affine, channels, 1))),
      bias(parameter("bias", vector_if(options.affine, channels, 0))),
      running_mean(buffer("running_mean", vector_if(options.track_running_stats, channels, 0))),
      running_var(buffer("running_var", vector_if(options.track_running_stats, channels, 1))),
      num_batches_tracked(buffer("num_batches_tracked", options.track_running_stats ? Tensor(0) : Tensor())),
      options_(options),
      min_rank_(min_rank),
      max_rank_(max_rank) {}

Tensor BatchNorm::operator()(const Tensor& x, Activation then) const {
    check<ShapeError>(x.dim() >= min_rank_ && x.dim() <= max_rank_,
                      "batch_norm: the layer takes {} to {} dimensions, got {}", min_rank_, max_rank_,
                      x.shape());
    BatchNormOptions options{.training = true, .eps = options_.eps, .then = then};
    if (!is_training() && running_mean.defined()) {
        options.training = false;
        return batch_norm(x, running_mean, running_var, weight, bias, options);
    }
    if (is_training() && !grad_enabled()) [[unlikely]]
        warn_of_prediction_in_training_mode("BatchNorm");
    if (!is_training() || !running_mean.defined()) return batch_norm(x, {}, {}, weight, bias, options);
    options.momentum = options_.momentum ? *options_.momentum : 1 / (num_batches_tracked.item<double>() + 1);
    options.batches = num_batches_tracked;
    return batch_norm(x, running_mean, running_var, weight, bias, options);
}

}  // namespace adjoint::nn
