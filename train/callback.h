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
#include <map>
#include <string>
#include <type_traits>

#include <adjoint/core/base/error.h>
#include <adjoint/optim/schedule.h>
#include <adjoint/train/run.h>

namespace adjoint::train {

/// What is called at the events of a run, in the order of the list; what is left empty costs nothing. What a
/// callback throws ends the training and reaches the caller of fit; on_end is not called then.
struct Callback {
    std::function<void(Run&)> on_begin = {};  ///< before the first batch
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
/// Ends a training whose loss (on the validation set if there is one) has not fallen for a while, and leaves
/// the model as it was after its best epoch, however the training ends.
/// errors: ValueError for a patience below 1.
ADJOINT_API Callback early_stopping(const EarlyStoppingOptions& options = {});

enum class Every { batch, epoch };
/// Steps a learning-rate schedule after every epoch or batch. It is copied, and goes on where it stands.
ADJOINT_API Callback schedule(const optim::Schedule& schedule, Every every = Every::epoch);
/// The same after every epoch, by the loss (on the validation set if there is one).
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

/// A figure of merit: a function from outputs and targets to a number. It is called as trainee() says of a
/// loss, so accuracy(outputs, targets) and the others of <adjoint/train/watch/metrics.h> are metrics.
/// errors: ValueError for an empty function.
class Metric {
  public:
    template <class F>
    requires(!std::is_same_v<F, Metric>) Metric(F of)
        : of_([of](const Tensors& outputs, const Tensors& targets) mutable {
              return detail::of_outputs<double>("metric", of, outputs, targets);
          }) {
        if constexpr (std::is_pointer_v<F> || requires { typename F::result_type; })
            if (!static_cast<bool>(of)) throw ValueError("metric: an empty function");
    }
    double operator()(const Tensors& outputs, const Tensors& targets) const { return of_(outputs, targets); }

  private:
    std::function<double(const Tensors& outputs, const Tensors& targets)> of_;
};
/// Measures all outputs of the validation set, or of the training set if there is none, after each epoch, in
/// evaluation mode: EpochRecord::metrics[name] = of(outputs, targets).
/// errors: ValueError for an empty name.
ADJOINT_API Callback metric(const std::string& name, const Metric& of);
/// The same of several, after one pass.
ADJOINT_API Callback metrics(const std::map<std::string, Metric>& of);

}  // namespace adjoint::train
