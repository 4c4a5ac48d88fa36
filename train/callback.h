// Callbacks: the one way to watch a training and to steer it.
//
//     train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
//                {.epochs = 50,
//                 .validation_split = 0.1,
//                 .callbacks = {train::early_stopping({.patience = 3}),
//                               train::schedule(optim::StepLR(optimizer, 10)),
//                               {.on_epoch = [](train::Run& run) { std::printf("%d\n", run.epoch); }}}});
#pragma once

#include <functional>
#include <string>

#include <adjoint/optim/schedule.h>
#include <adjoint/train/metric.h>
#include <adjoint/train/run.h>

namespace adjoint::train {

/// What is called at the events of a run, in the order of the list; what is left empty costs nothing. What a
/// callback throws ends the training and reaches the caller of fit; on_end is not called then.
struct Callback {
    std::function<void(Run&)> on_begin = {};  ///< before the first batch
    /// Before the optimizer's step, when the gradients of all parts of a batch are there, unscaled and not
    /// clipped yet; run.batch and run.step count the batches before. It may change them: they are the grad()
    /// of run.optimizer's parameters and run.trainee.module's. A captured step ends in front of it.
    std::function<void(Run&)> on_gradients = {};
    std::function<void(Run&)> on_batch = {};  ///< after the optimizer's step
    std::function<void(Run&)> on_epoch = {};  ///< after the validation; the record is run.history.last()
    std::function<void(Run&)> on_end = {};    ///< after the last epoch, or after a stop
    /// What a resumed run needs of the callback, and the way back: nothing may be changed on an error. They
    /// are put back before on_begin.
    std::function<data::NamedTensors()> state = {};
    std::function<void(const data::NamedTensors&)> load_state = {};
};

struct EarlyStoppingOptions {
    int patience = 5;      ///< epochs without improvement that are borne
    double min_delta = 0;  ///< what counts as an improvement is more than this
};
/// Ends a training whose loss (Run::monitored_loss) has not fallen for a while, and leaves
/// the model as it was after its best epoch, however the training ends.
/// errors: ValueError for a patience below 1.
ADJOINT_API Callback early_stopping(const EarlyStoppingOptions& options = {});

/// How often something is looked at.
enum class Every { batch, epoch };
/// Steps a learning-rate schedule after every epoch or batch. It is copied, and goes on where it stands.
ADJOINT_API Callback schedule(const optim::Schedule& schedule, Every every = Every::epoch);
/// The same after every epoch, by its loss (Run::monitored_loss).
ADJOINT_API Callback schedule(const optim::ReduceLROnPlateau& schedule);

struct CheckpointOptions {
    std::string path;                ///< where the run stands, the file before is replaced
    int every_epochs = 1;            ///< 0: not by epochs
    std::int64_t every_batches = 0;  ///< also in the middle of epochs; 0: not
    std::string best = {};           ///< a second file, as the run stood after its best epoch
};
/// Writes checkpoints (<adjoint/train/checkpoint.h>), from which FitOptions::resume goes on bit for bit.
/// errors: ValueError for an empty path or a negative number; IoError before the first batch where nothing
/// can be written; those of save_checkpoint when it writes.
ADJOINT_API Callback checkpoint(const CheckpointOptions& options);

/// Ends a training whose loss is not finite, at the end of the epoch, which fit does in any case, or already
/// after the batch, for which each batch waits for the device. The reason names the place of a number in the
/// data that is not finite, if there is one.
ADJOINT_API Callback stop_on_nan(Every every = Every::epoch);

/// Keeps the loss of every batch in History::batches.
ADJOINT_API Callback record_batches();

/// Measures the validation set, or the training set if there is none, after each epoch that is validated, as
/// measure() does: EpochRecord::metrics[name] = of(outputs, targets).
/// errors: ValueError for an empty name.
ADJOINT_API Callback metric(const std::string& name, const Metric& of);
/// The same of several, after one pass.
ADJOINT_API Callback metrics(const Metrics& of);

}  // namespace adjoint::train
