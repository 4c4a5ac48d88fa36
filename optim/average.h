// Averages of weights over the course of training.
#pragma once

#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

/// A running mean of each parameter, mean += (1 - decay) (p - mean), which starts with the parameter itself.
///
///     optim::ExponentialMovingAverage average(model.parameters(), 0.99);
///     ... optimizer.step(); average.update(); ...
///     average.swap();  // the model computes with the means now
///     evaluate(model);
///     average.swap();  // and with its weights again
///
/// errors: ValueError for a decay outside [0, 1); DTypeError unless parameters are f32 or f64.
class ADJOINT_API ExponentialMovingAverage {
  public:
    explicit ExponentialMovingAverage(const std::vector<Tensor>& parameters, double decay = 0.999);

    /// Moves the means towards the parameters.
    /// errors: ValueError while they are swapped.
    void update();
    /// Exchanges parameters and means, in place; a second call exchanges them back.
    void swap();
    bool is_swapped() const noexcept { return swapped_; }
    /// The means, in the order of the parameters; while swapped the parameters' own values.
    const std::vector<Tensor>& averages() const noexcept { return averages_; }

    /// The means by number: "0", "1", ...
    /// errors: ValueError while they are swapped.
    NamedTensors state() const;
    /// Copies such a state; nothing is changed unless all fits.
    /// errors: ValueError, ShapeError, DTypeError.
    void load_state(const NamedTensors& state);

  private:
    void check_not_swapped(const char* what) const;

    std::vector<Tensor> parameters_, averages_;
    double decay_;
    bool swapped_ = false;
};

}  // namespace adjoint::optim
