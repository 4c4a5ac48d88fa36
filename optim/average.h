// Averages of weights over the course of training.
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

namespace detail {
class StateReader;
}

/// A mean of each parameter, which can be exchanged with it. The buffers of a model are not averaged: the
/// running statistics of a BatchNorm stay those of the weights that were trained last.
///
///     optim::ExponentialMovingAverage average(model.parameters(), 0.99);
///     ... optimizer.step(); average.update(); ...
///     average.swap();  // the model computes with the means now
///     evaluate(model);
///     average.swap();  // and with its weights again
class ADJOINT_API WeightAverage {
  public:
    virtual ~WeightAverage() = default;

    /// Moves the means towards the parameters.
    /// errors: ValueError while they are swapped.
    virtual void update() = 0;
    /// Exchanges parameters and means, in place; a second call exchanges them back.
    void swap();
    bool is_swapped() const noexcept { return swapped_; }
    /// The means, in the order of the parameters; while swapped the parameters' own values.
    const std::vector<Tensor>& averages() const noexcept { return averages_; }

    /// averages() by number: "0", "1", ..., "swapped" if they are, and what else update() goes by. It belongs
    /// to the parameters as they are at that time.
    virtual NamedTensors state() const;
    /// Copies such a state; nothing is changed unless all fits.
    /// errors: ValueError, ShapeError, DTypeError.
    virtual void load_state(const NamedTensors& state);

  protected:
    /// `name` leads the messages. The means start with the parameters themselves.
    /// errors: DTypeError unless parameters are f32 or f64; ValueError unless they are dense.
    WeightAverage(const char* name, const std::vector<Tensor>& parameters);
    WeightAverage(const WeightAverage&) = default;
    WeightAverage& operator=(const WeightAverage&) = default;

    /// mean += (1 - decay) (p - mean)
    void move(double decay);
    void take(detail::StateReader& reader);
    const char* name() const noexcept { return name_; }

  private:
    const char* name_;
    std::vector<Tensor> parameters_, averages_;
    bool swapped_ = false;
};

/// A running mean of each parameter, mean += (1 - decay) (p - mean), which starts with the parameter itself.
///
/// errors: ValueError for a decay outside [0, 1); those of WeightAverage.
class ADJOINT_API ExponentialMovingAverage : public WeightAverage {
  public:
    explicit ExponentialMovingAverage(const std::vector<Tensor>& parameters, double decay = 0.999);
    void update() override;

  private:
    double decay_;
};

/// The plain mean of what the parameters were at each update; before the first they are themselves the mean.
///
/// source: Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018.
class ADJOINT_API StochasticWeightAverage : public WeightAverage {
  public:
    explicit StochasticWeightAverage(const std::vector<Tensor>& parameters);
    void update() override;
    /// How many weights the average is of.
    std::int64_t count() const noexcept { return count_; }
    /// The means, and how many values they are of: "count".
    NamedTensors state() const override;
    void load_state(const NamedTensors& state) override;

  private:
    std::int64_t count_ = 0;
};

}  // namespace adjoint::optim
