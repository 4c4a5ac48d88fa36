// The state of batch normalisation layers.
#include <adjoint/nn/batch_norm.h>

#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/batch_norm.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/autograd/record/recompute.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/describe.h>
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

// What a rank knows of its samples: how many there are, for each channel their mean, and the sum of their
// squared distances from it.
Tensor row_of(const Tensor& x) {
    Dims dims;
    for (int d = 0; d < x.dim(); ++d)
        if (d != 1) dims.list.push_back(d);
    // Of no samples everything is 0, recorded as all else: the other ranks wait for this one's backward pass.
    const Tensor centre = x.numel() > 0 ? mean(x, dims, true) : sum(x, dims, true),
                 squares = sum(square(x - centre), dims);
    const double count = static_cast<double>(x.numel()) / static_cast<double>(x.shape()[1]);
    return unsqueeze(cat({full({1}, count, x.dtype(), x.device()), reshape(centre, {-1}), squares}), 0);
}

thread_local const GatherRows* gather_rows = nullptr;

}  // namespace

SharedStatistics::SharedStatistics(GatherRows gather)
    : gather_(std::move(gather)), before_(std::exchange(gather_rows, gather_ ? &gather_ : nullptr)) {}
SharedStatistics::~SharedStatistics() { gather_rows = before_; }

BatchNorm::BatchNorm(const char* kind, std::int64_t channels, int min_rank, int max_rank,
                     const BatchNormLayerOptions& options)
    : Module(kind, describe(channels, options), std::to_string(channels)),
      weight(parameter("weight", vector_if(options.affine, channels, 1))),
      bias(parameter("bias", vector_if(options.affine, channels, 0))),
      running_mean(buffer("running_mean", vector_if(options.track_running_stats, channels, 0))),
      running_var(buffer("running_var", vector_if(options.track_running_stats, channels, 1))),
      num_batches_tracked(buffer("num_batches_tracked", options.track_running_stats ? Tensor(0) : Tensor())),
      options_(options),
      min_rank_(min_rank),
      max_rank_(max_rank) {}

Tensor BatchNorm::operator()(const Tensor& x, Activation then) const {
    return computed(x, [&] {
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
        if (is_training() && gather_rows) return over_all_ranks(x, *gather_rows, then);
        if (!is_training() || !running_mean.defined()) return batch_norm(x, {}, {}, weight, bias, options);
        options.momentum = weight_of_new_batch();
        options.batches = num_batches_tracked;
        return batch_norm(x, running_mean, running_var, weight, bias, options);
    });
}

double BatchNorm::weight_of_new_batch() const {
    return options_.momentum ? *options_.momentum : 1 / (num_batches_tracked.item<double>() + 1);
}

// The ranks' means and sums of squares put together: the spread within each, and that of the means.
Tensor BatchNorm::over_all_ranks(const Tensor& input, const GatherRows& gather, Activation then) const {
    const Tensor x = input.to(compute_type(input.dtype()));
    const std::int64_t channels = x.shape()[1];
    const Tensor rows = gather(row_of(x)), counts = narrow(rows, 1, 0, 1).detach(),
                 means = narrow(rows, 1, 1, channels), squares = narrow(rows, 1, 1 + channels, channels);
    const double count = sum(counts).item<double>();
    check<ValueError>(count > 1, "batch_norm: one value per channel on all ranks together (input {})",
                      x.shape());
    const Tensor centre = sum(means * counts, 0) / count,
                 variance = sum(squares + counts * square(means - centre), 0) / count;
    if (running_mean.defined() && !is_recomputing()) {
        const NoGrad guard;
        const double m = weight_of_new_batch();
        running_mean.copy_(running_mean * (1 - m) + centre * m);
        running_var.copy_(running_var * (1 - m) + variance * (m * count / (count - 1)));
        num_batches_tracked.copy_(num_batches_tracked + 1);
    }
    return batch_norm(x, centre, variance, weight, bias, {.eps = options_.eps, .then = then})
        .to(input.dtype());
}

}  // namespace adjoint::nn
