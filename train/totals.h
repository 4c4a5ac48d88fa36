// Running sums of loss and correct answers over the batches of an epoch. Private.
#pragma once

#include <cstdint>

#include <adjoint/data/safetensors.h>
#include <adjoint/distributed/group/group.h>
#include <adjoint/train/watch/history.h>

namespace adjoint::train {

/// The sums stay where the data is: only score() and state() wait for the device. Losses, of f32 in the main,
/// are summed in f64, where that is exact but for the rarest case: who adds which batch does not show.
class Totals {
  public:
    /// An epoch begins.
    void clear();
    void count(std::int64_t samples) noexcept { samples_ += samples; }
    /// The mean loss of a batch and, where the targets are class numbers, how many largest outputs are right.
    /// In place: what is captured adds to the same sums.
    void add(const Tensor& loss, const Tensor& output, const Tensor& target);
    Score score() const;
    /// Of all ranks together.
    Score score(const distributed::Group& group) const { return summed(group).score(); }
    /// The first rank gets the sums of all, the others begin anew.
    void gather(const distributed::Group& group);

    data::NamedTensors state() const;
    /// Takes such a state over.
    /// errors: ValueError, nothing is changed then.
    void load_state(const data::NamedTensors& state);

  private:
    Totals summed(const distributed::Group& group) const;

    Tensor loss_, right_;
    std::int64_t samples_ = 0;
};

}  // namespace adjoint::train
