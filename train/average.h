// Averages of the weights that fit keeps beside a training (FitOptions::average).
//
//     train::fit(model, loss, optimizer, set, {.epochs = 20, .average = train::EMA{.decay = 0.99}});
#pragma once

#include <variant>

namespace adjoint::train {

/// A running mean that follows the weights after each step (optim::ExponentialMovingAverage).
struct EMA {
    double decay = 0.999;
};
/// The plain mean of the weights after each epoch from this one on (optim::StochasticWeightAverage).
struct SWA {
    int from_epoch = 1;
};

/// In on_epoch and on_end, for validation and metrics, in what early stopping keeps and in the checkpoints
/// that are written then, and when fit returns, the model has the averages; training goes on with its own
/// weights. Before an SWA begins it has its own weights throughout. Buffers are not averaged: the running
/// statistics of a BatchNorm are those of the training, near to those of an EMA; after an SWA make them
/// anew, by some batches through the model in training mode.
/// errors: ValueError for a decay outside [0, 1), an epoch below 1, and with Shard::parameters, where no rank
/// has all weights.
using Average = std::variant<std::monostate, EMA, SWA>;

}  // namespace adjoint::train
