// Cross-validation: how well a way to train does on samples it has not seen, measured k times.
//
//     const auto result = train::cross_validate(set, 5, [](const data::Dataset& training,
//                                                          const data::Dataset& validation) {
//         const nn::Linear model(4, 1);
//         optim::Adam optimizer(model.parameters());
//         train::fit(model, nn::MSELoss(), optimizer, training, {.epochs = 20, .verbose = false});
//         return train::evaluate(model, nn::MSELoss(), validation).loss;
//     });
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <adjoint/data/split.h>

namespace adjoint::train {

/// The figures of each fold.
struct CrossValidation {
    std::vector<double> scores;  ///< one per fold
    double mean = 0;
    double std = 0;  ///< sqrt(sum (score - mean)^2 / (k - 1)): the spread of the folds
};

/// Trains anew for each of k folds (data::k_fold) and measures on the samples that were left out. `run` makes
/// its own model and optimizer; the generator starts each fold from where it stood before the first, so that
/// all begin with the same weights.
/// errors: those of data::k_fold; whatever `run` throws.
ADJOINT_API CrossValidation cross_validate(
    const data::Dataset& set, std::int64_t k,
    const std::function<double(const data::Dataset& training, const data::Dataset& validation)>& run,
    const data::SplitOptions& options = {});

/// "0.9120 +- 0.0140 over 5 folds: 0.9000 0.9300 .."
ADJOINT_API std::string to_string(const CrossValidation& result);

}  // namespace adjoint::train
