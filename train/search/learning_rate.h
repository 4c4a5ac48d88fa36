// The range test for learning rates: a short training whose rate rises until the loss explodes.
//
//     const train::RateTest test = train::find_learning_rate(model, nn::CrossEntropyLoss(), optimizer, set);
//     optimizer.set_lr(test.suggestion.value());
//     picture::save_text("rates.svg", train::draw(test).str());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/train/fit.h>

namespace adjoint::train {

struct RateTestOptions {
    double min_lr = 1e-7, max_lr = 10;
    std::int64_t steps = 100;
    double smoothing = 0.9;  ///< share of the past in the smoothed loss
    double explosion = 4;    ///< ends when the smoothed loss is so many times its smallest so far
    /// How the steps are made: batch_size, seed, transform, capture, sampler, workers, device, accumulate,
    /// clip_norm and autocast. Its other members have to be left as they are.
    FitOptions fit = {};
};

/// The losses by rate, and the rate that is proposed.
struct RateTest {
    std::vector<double> rates;             ///< min_lr (max_lr / min_lr)^(i / (steps - 1))
    std::vector<double> losses, smoothed;  ///< of step i: as it was, and its mean with those before
    bool exploded = false;                 ///< whether it ended before the last step
    /// Where the smoothed loss falls most for the logarithm of the rate, over a tenth of the steps, of the
    /// rates below that of its minimum but not the first ones; none where it never falls.
    std::optional<double> suggestion = {};
};

/// The same for what trainee() has made.
ADJOINT_API RateTest find_learning_rate(const Trainee& trainee, optim::Optimizer& optimizer,
                                        const data::Samples& samples, const RateTestOptions& options);

/// Trains `model` for some steps at rates that rise exponentially. Afterwards model, optimizer, gradients and
/// random generator are as they were, also on an error. Groups keep the ratios of their rates, the rates of
/// the test are those of the group with the highest; groups that all have 0 get the same.
///
///     smoothed_i = (sum_{j <= i} s^(i - j) loss_j) / (sum_{j <= i} s^(i - j))
///
/// errors: ValueError unless 0 < min_lr < max_lr, steps >= 2, 0 <= smoothing < 1, explosion > 1, and for
/// options of fit that do not count here; those of fit.
/// source: Smith, Cyclical learning rates for training neural networks, WACV 2017.
template <nn::IsModule M, class Loss>
RateTest find_learning_rate(const M& model, Loss loss, optim::Optimizer& optimizer,
                            const data::Samples& samples, const RateTestOptions& options = {}) {
    Trainee both = trainee(model, std::move(loss));
    both.device = options.fit.device;
    return find_learning_rate(both, optimizer, samples, options);
}
/// The same for tensors in memory.
template <nn::IsModule M, class Loss>
RateTest find_learning_rate(const M& model, Loss loss, optim::Optimizer& optimizer, const data::Dataset& set,
                            const RateTestOptions& options = {}) {
    return find_learning_rate(model, std::move(loss), optimizer, data::Samples(set), options);
}

/// The losses over the rates, with the suggestion as a point.
ADJOINT_API picture::Svg draw(const RateTest& test, const std::string& title = "");

}  // namespace adjoint::train
