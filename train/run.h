// Run: a training as those see it who watch it (<adjoint/train/callback.h>).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <adjoint/data/loader.h>
#include <adjoint/optim/optimizer.h>
#include <adjoint/train/totals.h>
#include <adjoint/train/trainee.h>
#include <adjoint/train/watch/history.h>

namespace adjoint::train {

struct Callback;

/// Where a training stands. `fit` makes one and shows it to the callbacks.
class ADJOINT_API Run {
  public:
    Run(const Trainee& trained, optim::Optimizer& by, data::Loader& from, History& into)
        : trainee(trained), optimizer(by), loader(from), history(into) {}

    const Trainee& trainee;
    optim::Optimizer& optimizer;
    data::Loader& loader;                       ///< of the training samples
    const data::Samples* validation = nullptr;  ///< null without some
    History& history;                           ///< the epochs that are finished
    int epochs = 0;                             ///< that were asked for
    bool resumed = false;                       ///< whether it goes on from a checkpoint
    /// The ranks that train together. Each has callbacks of its own; what writes files is rank 0's affair.
    distributed::Group group = {};

    /// Whether the epoch that has just ended is one of those that are looked at (FitOptions::validate_every).
    bool validated = false;
    /// The epoch that is trained or has just ended, from 1; 0 before the first.
    int epoch = 0;
    /// Batches done in this epoch, and since the beginning of the training.
    std::int64_t batch = 0, step = 0;
    /// Of the batch that is done, without graph; undefined outside on_batch. Output and target are the first.
    Tensor loss, output, target;
    Tensors outputs, targets;

    /// Loss and accuracy over the batches of this epoch so far, those of this rank; waits for the device.
    Score score() const;
    /// What early stopping, schedules and the best checkpoint go by: the loss of the epoch that has just
    /// ended, on the validation set if there is one; none where that was not asked.
    std::optional<double> monitored_loss() const;
    /// Adds a figure of your own to the record of the epoch that has just ended (in on_epoch).
    /// errors: ValueError before the first epoch has ended.
    void record(const std::string& name, double value);

    /// Ends the training after this batch or epoch, for a reason that History::end reports; the first
    /// reason counts. An epoch that is left in the middle has no record. One rank is enough to end all.
    void stop(const std::string& reason);
    bool stopping() const noexcept { return !reason_.empty(); }

    /// Writes a checkpoint when all callbacks have seen the present event, so that it holds what each of them
    /// makes of it. The errors of save_checkpoint reach the caller of fit. Every rank calls it, one writes.
    void save(const std::string& path);

  private:
    friend class Loop;

    Totals totals_;
    std::string reason_;
    std::vector<std::string> wanted_;  // checkpoints to write
};

}  // namespace adjoint::train
