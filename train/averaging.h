// Averaged weights of a fit: when they move, and when the model computes with them. Private.
#pragma once

#include <memory>
#include <vector>

#include <adjoint/optim/average.h>
#include <adjoint/train/average.h>

namespace adjoint::train {

/// Of the parameters of an optimizer; without an average all of it does nothing.
class Averaging {
  public:
    Averaging(const Average& average, const optim::Optimizer& optimizer, int epochs);

    void after_step();
    void after_epoch(int epoch);
    /// From now on the model computes with the averages, if there are some yet.
    void take();
    /// And with its own weights again.
    void give_back();

    /// What after_step() writes.
    std::vector<Tensor> moved_in_steps() const;
    optim::NamedTensors state() const;
    /// errors: ValueError, ShapeError, DTypeError, nothing is changed then.
    void load_state(const optim::NamedTensors& state);

  private:
    std::unique_ptr<optim::ExponentialMovingAverage> moving_;
    std::unique_ptr<optim::StochasticWeightAverage> plain_;
    optim::WeightAverage* average_ = nullptr;  // the one that there is
    int from_epoch_ = 0;                       // of the plain one
};

}  // namespace adjoint::train
