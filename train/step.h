// One training step on one batch, run eagerly or as a replay of a captured one, with the same bits. Private.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/core/capture/capture.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/data/loader.h>
#include <adjoint/train/fit.h>

namespace adjoint::train {

/// A full batch like the one that was recorded is copied to where that one lay and the step replayed; others
/// are run eagerly. The recording is made anew when the model or the optimizer is not what it was.
class Step {
  public:
    Step(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals, const FitOptions& options);

    /// Without graph. After a replay they share the memory of the next.
    struct Result {
        Tensor loss, output;
    };
    /// Zero gradients, forward, backward, step, sums of the epoch.
    Result run(const data::Batch& batch);
    /// Somebody else has had the model or the optimizer in hand.
    void look_again() noexcept { looked_ = gradients_there_ = false; }
    /// Whether results are overwritten by the next step.
    bool replays() const noexcept { return captured_.has_value(); }

  private:
    /// What a recording holds on to, by address.
    using Signature = std::vector<std::uintptr_t>;

    Result eager(const data::Batch& batch);
    void capture_on(const data::Batch& batch);
    void refuse(const std::string& why);
    bool fits(const data::Batch& batch) const;
    bool unchanged();
    Signature signature() const;

    const Trainee& trainee_;
    optim::Optimizer& optimizer_;
    Totals& totals_;
    const CaptureMode mode_;
    const std::int64_t batch_size_;
    const bool verbose_;

    bool refused_, looked_ = false;
    int warm_ = 0;  // full batches that ran eagerly
    std::optional<Captured> captured_;
    Signature recorded_with_;
    data::Batch input_;
    Result result_;
    std::vector<Tensor> parameters_, gradients_;  // the gradients that replays write
    bool gradients_there_ = false;
};

}  // namespace adjoint::train
