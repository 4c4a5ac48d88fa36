// One training step on one batch, run eagerly or as a replay of a captured one, with the same bits. Private.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/core/capture/capture.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/data/loader.h>
#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/optim/grad_scaler.h>
#include <adjoint/train/averaging.h>
#include <adjoint/train/capture_mode.h>
#include <adjoint/train/run.h>

namespace adjoint::train {

struct StepOptions {
    CaptureMode capture;
    std::int64_t batch_size;  // of a part whose gradient is computed at once
    std::int64_t parts;       // of a batch
    bool verbose;             // says on stderr that steps are captured
    bool joins_outputs;       // of the parts, for those who want to see them
    bool scales_loss;         // gradients are f16
    double clip_norm;         // 0: not
    std::function<void()> on_gradients;
    std::optional<distributed::DataParallel> parallel;  // with other ranks; then steps are not captured
    /// What is drawn while part i of the batch is computed; empty: as the thread's generator goes on.
    std::function<GeneratorState(std::size_t i)> draws_of_part;
};

/// The first full batches run eagerly, the next one is recorded; from then on a batch like it is copied to
/// where it lay and the recording replayed. Samples of a set in memory are gathered by the recording, and it
/// is their places that are copied. All other batches run eagerly. Where the host has a say between the
/// gradients and the step, the recording ends at the gradients.
class Step {
  public:
    Step(const Trainee& trainee, optim::Optimizer& optimizer, Totals& totals, Averaging& averaging,
         StepOptions options);

    /// Without graph. After a replay they share the memory of the next.
    struct Result {
        Tensor loss;
        Tensors outputs;
        Tensors targets = {};  // of the batch
    };
    /// Zero gradients, forward and backward of each part, sums of the epoch, and what move() does.
    Result run(const data::Batch& batch);
    /// The same of the samples of a set that stand at these places.
    Result run(const data::Dataset& set, const Tensor& places);
    /// Somebody else has had the model or the optimizer in hand: if one is not what it was,
    /// the step is recorded anew.
    void look_again() noexcept;
    /// Whether results are overwritten by the next step.
    bool replays() const noexcept { return captured_.has_value(); }

    /// The scale of the loss, if it has one.
    data::NamedTensors state() const;
    /// errors: ValueError, nothing is changed then.
    void load_state(const data::NamedTensors& state);

  private:
    /// What a recording holds on to, by address.
    using Signature = std::vector<std::uintptr_t>;

    struct CapturedStep {
        Tensor places;      // from where the recording gathers the batch, if it does that
        data::Batch input;  // else what it reads
        Result result;
        std::vector<Tensor> gradients;  // that replays write, in the order of the parameters
        Signature signature;
        bool verified;  // nobody has had what it holds on to in hand since the signature was compared
        Captured step;
    };

    bool may_replay(std::int64_t samples, Device device) const;
    bool is_captured();
    bool moves_by_host() const noexcept { return options_.scales_loss || options_.on_gradients; }
    Result eager(const data::Batch& batch);
    Result gradients(const data::Batch& batch);
    Result gradient_of_part(const data::Batch& part, std::int64_t step_size, std::size_t i, bool last);
    void move();
    Result captured(const data::Batch& batch, const std::function<CapturedStep()>& capture);
    void begin_replay();
    Result replayed();
    CapturedStep capture_on(const data::Batch& batch);
    CapturedStep capture_on(const data::Dataset& set, const Tensor& places);
    CapturedStep capture_of(Device device, Tensor places, const std::function<data::Batch()>& input);
    bool still_holds(CapturedStep& captured) const;
    Signature signature() const;
    void refuse(const std::string& why);

    const Trainee& trainee_;
    optim::Optimizer& optimizer_;
    Totals& totals_;
    Averaging& averaging_;
    const std::vector<Tensor> parameters_;
    StepOptions options_;
    optim::GradScaler scaler_;
    bool first_ = true;     // no batch has run
    int warm_up_left_ = 2;  // full batches that make optimizer states and fill caches
    std::optional<CapturedStep> captured_;
};

}  // namespace adjoint::train
