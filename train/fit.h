// The training loop that most programs write, written once.
//
//     const train::History history = train::fit(model, nn::CrossEntropyLoss(), optimizer, set, {.epochs =
//     5});
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include <adjoint/data/loader.h>
#include <adjoint/nn/module.h>
#include <adjoint/optim/optimizer.h>
#include <adjoint/train/history.h>

namespace adjoint::train {

/// Ends a training whose loss (on the validation set if there is one) has not fallen for a while.
struct EarlyStopping {
    int patience = 5;          ///< epochs without improvement
    double min_delta = 0;      ///< what counts as an improvement is more than this
    bool restore_best = true;  ///< leave the model as it was after its best epoch
};

struct FitOptions {
    int epochs = 1;
    std::int64_t batch_size = 64;
    double validation_split = 0;                   ///< fraction of the samples, the last ones, held out
    std::optional<data::Dataset> validation = {};  ///< instead of a split
    std::uint64_t seed = 0;                        ///< of the order of the samples
    bool verbose = true;                           ///< progress on standard output
    /// A loss that is not finite ends the training in any case; the reason is in History::end.
    std::optional<EarlyStopping> early_stopping = {};
    /// Called after each epoch; false ends the training.
    std::function<bool(const EpochRecord&)> on_epoch = {};
};

/// What the loop needs of a model, whatever its type.
struct Trainee {
    nn::Module module;
    std::function<Tensor(const Tensor& x)> forward;
    std::function<Tensor(const Tensor& output, const Tensor& target)> loss;
};

ADJOINT_API History fit(const Trainee& trainee, optim::Optimizer& optimizer, const data::Dataset& set,
                        const FitOptions& options);
ADJOINT_API Score evaluate(const Trainee& trainee, const data::Dataset& set, std::int64_t batch_size = 1000);

/// Trains `model` (a module with operator()) on `set`: forward, loss, backward, step, for each batch of each
/// epoch. The accuracy is reported where the targets are class numbers. errors: ValueError for options that
/// make no sense.
template <nn::IsModule M, class Loss>
History fit(const M& model, Loss loss, optim::Optimizer& optimizer, const data::Dataset& set,
            const FitOptions& options = {}) {
    return fit(Trainee{model, [model](const Tensor& x) { return Tensor(model(x)); }, std::move(loss)},
               optimizer, set, options);
}

/// Loss and accuracy of `model` on `set`, in evaluation mode; the mode is restored.
template <nn::IsModule M, class Loss>
Score evaluate(const M& model, Loss loss, const data::Dataset& set, std::int64_t batch_size = 1000) {
    return evaluate(Trainee{model, [model](const Tensor& x) { return Tensor(model(x)); }, std::move(loss)},
                    set, batch_size);
}

}  // namespace adjoint::train
