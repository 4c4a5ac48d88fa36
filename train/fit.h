// The training loop that most programs write, written once.
//
//     const train::History history =
//         train::fit(model, nn::CrossEntropyLoss(), optimizer, set, {.epochs = 5});
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/base/dtype.h>
#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/train/augment.h>
#include <adjoint/train/average.h>
#include <adjoint/train/callback.h>
#include <adjoint/train/capture_mode.h>
#include <adjoint/train/evaluate.h>

namespace adjoint::train {

struct FitOptions {
    // How long, and on what
    // -----------------------------------------------------------------------------

    int epochs = 1;
    std::int64_t batch_size = 64;
    double validation_split = 0;                   ///< held out, the last samples in their own order
    std::optional<data::Samples> validation = {};  ///< instead of a split
    std::uint64_t seed = 0;                        ///< of the order of the samples
    bool drop_last = false;                        ///< leave out a last batch that is not full

    // What is done besides
    // -----------------------------------------------------------------------------

    bool verbose = true;                   ///< progress() behind the other callbacks
    Transform transform = {};              ///< of each training batch: <adjoint/train/augment.h>;
                                           ///< what it draws belongs to the batch, not to the thread
    std::vector<Callback> callbacks = {};  ///< stop_on_nan() stands in front of them in any case
    /// A checkpoint to go on from, "" to begin anew: the same bits as without the interruption, for the same
    /// model, optimizer, data, options and callbacks. `epochs` counts those before as well.
    std::string resume = {};
    CaptureMode capture = CaptureMode::automatic;

    // How batches are made
    // -----------------------------------------------------------------------------

    data::Sampler sampler = {};         ///< of the samples of an epoch: <adjoint/data/sampler.h>
    int workers = 0;                    ///< threads that make the batches: <adjoint/data/loader.h>
    std::optional<Device> device = {};  ///< where batches go, if the samples are elsewhere

    // The step
    // -----------------------------------------------------------------------------

    /// Parts of batch_size samples whose gradients make one step. A batch, as callbacks and the loader see
    /// it, has up to accumulate * batch_size samples (data::LoaderParts); the mean loss of each part is
    /// weighted by its share of them, also where the last batch is shorter. A BatchNorm normalises each
    /// part by itself.
    int accumulate = 1;
    /// The largest norm of all gradients as one vector (optim::clip_grad_norm_); 0: as they are.
    double clip_norm = 0;
    /// Forward passes and losses run under Autocast of this type, those of the validation too. With f16 the
    /// loss is scaled (optim::GradScaler), and a step whose gradients overflow moves nothing.
    std::optional<DType> autocast = {};
    Average average = {};  ///< of the weights: <adjoint/train/average.h>

    // Several processes
    // -----------------------------------------------------------------------------

    /// The ranks that train together, each with a part of each step: as one process that accumulates as many
    /// parts as all ranks have, to the last bit. batch_size is that of a part, `accumulate` the number of a
    /// rank's parts; sample i of a step is in part i mod n. What a model draws (dropout) belongs to the part.
    /// Run::loss, the records and the end are those of all ranks; options and callbacks are the same on all
    /// of them, and one writes files. Steps are not captured, in a group of one neither.
    std::optional<distributed::Group> group = {};
    distributed::DataParallelOptions parallel = {};

    // Validation
    // -----------------------------------------------------------------------------

    int validate_every = 1;  ///< validation and metrics after each so many epochs, and after the last
    Metrics metrics = {};    ///< figures by name in the records of epochs, as by the callback metrics()
};

/// The same for what trainee() has made.
ADJOINT_API History fit(const Trainee& trainee, optim::Optimizer& optimizer, const data::Samples& samples,
                        const FitOptions& options);

/// Trains `model` (a module with operator()) on `samples`: forward, loss, backward, on_gradients of the
/// callbacks, clipping, step, average, for each batch of each epoch. The loss is a module, a lambda, or a
/// function like cross_entropy; trainee() says how both are called where there are several inputs, outputs or
/// targets. Weights of classes are the loss's: nn::CrossEntropyLoss({.weight = w}). The accuracy is reported
/// where the first target is class numbers.
/// errors: ValueError for options that make no sense, and for an optimizer of another model; IoError,
/// ValueError, ShapeError, DTypeError for a checkpoint that is damaged or of another run, nothing is changed
/// then; those of trainee().
template <nn::IsModule M, class Loss>
History fit(const M& model, Loss loss, optim::Optimizer& optimizer, const data::Samples& samples,
            const FitOptions& options = {}) {
    Trainee both = trainee(model, std::move(loss));
    both.device = options.device;
    both.workers = options.workers;
    return fit(both, optimizer, samples, options);
}
/// The same for tensors in memory.
template <nn::IsModule M, class Loss>
History fit(const M& model, Loss loss, optim::Optimizer& optimizer, const data::Dataset& set,
            const FitOptions& options = {}) {
    return fit(model, std::move(loss), optimizer, data::Samples(set), options);
}

}  // namespace adjoint::train
