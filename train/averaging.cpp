// Which average moves when.
#include <adjoint/train/averaging.h>

#include <adjoint/core/base/format.h>

namespace adjoint::train {

Averaging::Averaging(const Average& average, const optim::Optimizer& optimizer, int epochs) {
    if (const EMA* const ema = std::get_if<EMA>(&average)) {
        moving_ = std::make_unique<optim::ExponentialMovingAverage>(optimizer.parameters(), ema->decay);
        average_ = moving_.get();
    } else if (const SWA* const swa = std::get_if<SWA>(&average)) {
        check<ValueError>(swa->from_epoch >= 1, "fit: SWA from epoch {}, the first is 1", swa->from_epoch);
        check<ValueError>(swa->from_epoch <= epochs || epochs == 0,
                          "fit: SWA from epoch {}, the last of this run is {}", swa->from_epoch, epochs);
        plain_ = std::make_unique<optim::StochasticWeightAverage>(optimizer.parameters());
        average_ = plain_.get();
        from_epoch_ = swa->from_epoch;
    }
}

void Averaging::after_step() {
    if (moving_) moving_->update();
}

void Averaging::after_epoch(int epoch) {
    if (plain_ && epoch >= from_epoch_) plain_->update();
}

void Averaging::take() {
    const bool begun = moving_ || (plain_ && plain_->count() > 0);
    if (begun && !average_->is_swapped()) average_->swap();
}

void Averaging::give_back() {
    if (average_ && average_->is_swapped()) average_->swap();
}

std::vector<Tensor> Averaging::moved_in_steps() const {
    return moving_ ? moving_->averages() : std::vector<Tensor>{};
}

optim::NamedTensors Averaging::state() const { return average_ ? average_->state() : optim::NamedTensors{}; }

void Averaging::load_state(const optim::NamedTensors& state) {
    if (average_) return average_->load_state(state);
    check<ValueError>(state.empty(), "fit: the checkpoint has averages of weights, this run has none");
}

}  // namespace adjoint::train
