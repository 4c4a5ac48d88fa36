// Batch normalisation layers.
#pragma once

#include <functional>
#include <optional>

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

struct BatchNormLayerOptions {
    double eps = 1e-5;
    std::optional<double> momentum = 0.1;  ///< weight of the new batch; nullopt averages all batches evenly
    bool affine = true;
    bool track_running_stats = true;  ///< without, evaluation uses the batch's statistics as well
};

/// A row of numbers of each rank below those of the others, (1, k) -> (ranks, k), recorded.
using GatherRows = std::function<Tensor(const Tensor& row)>;

/// While it lives, a BatchNorm in training on this thread normalises by the statistics of all ranks' samples,
/// whose numbers may differ, and be 0; all ranks run the same layers, forward and backward. In evaluation
/// each rank goes by itself, and so it does without a function. distributed::DataParallel makes one.
class ADJOINT_API SharedStatistics {
  public:
    explicit SharedStatistics(GatherRows gather);
    ~SharedStatistics();
    SharedStatistics(const SharedStatistics&) = delete;
    SharedStatistics& operator=(const SharedStatistics&) = delete;

  private:
    const GatherRows gather_;
    const GatherRows* const before_;
};

/// (x - mean) / sqrt(var + eps) weight + bias per channel: in training by the statistics of the batch, in
/// evaluation by the running ones; an activation behind it is done in the same pass.
/// errors: ShapeError for another rank; ValueError in training with one value per channel.
class ADJOINT_API BatchNorm : public Module {
  public:
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const;

    const Parameter weight, bias;                                 // (C), undefined unless affine
    const Buffer running_mean, running_var, num_batches_tracked;  // undefined unless tracked

  protected:
    BatchNorm(const char* kind, std::int64_t channels, int min_rank, int max_rank,
              const BatchNormLayerOptions& options);

  private:
    double weight_of_new_batch() const;
    Tensor over_all_ranks(const Tensor& x, const GatherRows& gather, Activation then) const;

    BatchNormLayerOptions options_;
    int min_rank_, max_rank_;
};

/// shapes: (N, C) or (N, C, L).
class ADJOINT_API BatchNorm1d : public BatchNorm {
  public:
    explicit BatchNorm1d(std::int64_t channels, const BatchNormLayerOptions& options = {})
        : BatchNorm("BatchNorm1d", channels, 2, 3, options) {}
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const {
        return BatchNorm::operator()(x, then);
    }
};

/// shapes: (N, C, H, W).
class ADJOINT_API BatchNorm2d : public BatchNorm {
  public:
    explicit BatchNorm2d(std::int64_t channels, const BatchNormLayerOptions& options = {})
        : BatchNorm("BatchNorm2d", channels, 4, 4, options) {}
    Tensor operator()(const Tensor& x, Activation then = Activation::none) const {
        return BatchNorm::operator()(x, then);
    }
};

}  // namespace adjoint::nn
