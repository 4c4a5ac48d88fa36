#include <adjoint/optim/grad_scaler.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/partition.h>

namespace adjoint::optim {

GradScaler::GradScaler(const GradScalerOptions& options) : options_(options), scale_(options.init_scale) {
    check<ValueError>(std::isfinite(scale_) && scale_ > 0 && options.growth_factor > 1 &&
                          options.backoff_factor > 0 && options.backoff_factor < 1 &&
                          options.growth_interval > 0,
                      "GradScaler: init_scale {}, growth_factor {}, backoff_factor {}, growth_interval {}; "
                      "expected > 0, > 1, in (0, 1), > 0",
                      scale_, options.growth_factor, options.backoff_factor, options.growth_interval);
}

Tensor GradScaler::scale(const Tensor& loss) const { return loss * scale_; }

GradScaler::Seen& GradScaler::unscaled(const Optimizer& optimizer) {
    const auto known = std::find_if(seen_.begin(), seen_.end(),
                                    [&](const Seen& seen) { return seen.optimizer == &optimizer; });
    if (known != seen_.end()) return *known;
    if (any_partition()) [[unlikely]]
        check_whole(WholeUse::unscale, "GradScaler", optimizer.parameters());
    const NoGrad guard;
    Tensor finite;  // on the device: one number is read for all gradients
    for (const Tensor& parameter : optimizer.parameters()) {
        const Tensor gradient = parameter.grad();
        if (!gradient.defined()) continue;
        gradient *= 1 / scale_;
        const Tensor all = amin(isfinite(gradient).to(DType::u8)).to(parameter.device());
        finite = finite.defined() ? minimum(finite, all.to(finite.device())) : all;
    }
    seen_.push_back({&optimizer, !finite.defined() || finite.item<int>() == 1, false});
    return seen_.back();
}

void GradScaler::unscale(const Optimizer& optimizer) { unscaled(optimizer); }
bool GradScaler::is_finite(const Optimizer& optimizer) { return unscaled(optimizer).finite; }
void GradScaler::set_overflowed(const Optimizer& optimizer) { unscaled(optimizer).finite = false; }

bool GradScaler::step(Optimizer& optimizer) {
    Seen& seen = unscaled(optimizer);
    check<AutogradError>(!seen.stepped, "GradScaler: a second step without update()");
    seen.stepped = true;
    if (seen.finite) optimizer.step();
    return seen.finite;
}

void GradScaler::update() {
    const bool finite = std::all_of(seen_.begin(), seen_.end(), [](const Seen& seen) { return seen.finite; });
    if (!finite) {
        scale_ *= options_.backoff_factor;
        good_steps_ = 0;
    } else if (!seen_.empty() && ++good_steps_ == options_.growth_interval) {
        scale_ = std::min(scale_ * options_.growth_factor, 0x1p126);
        good_steps_ = 0;
    }
    seen_.clear();
}

NamedTensors GradScaler::state() const {
    return {{"scale", full({1}, scale_, DType::f64, Device::cpu())},
            {"good_steps", full({1}, static_cast<double>(good_steps_), DType::i64, Device::cpu())}};
}

void GradScaler::load_state(const NamedTensors& state) {
    check<ValueError>(state.size() == 2 && state[0].first == "scale" && state[1].first == "good_steps" &&
                          state[0].second.numel() == 1 && state[1].second.numel() == 1,
                      "GradScaler: the state must hold \"scale\" and \"good_steps\", one number each");
    const auto scale = state[0].second.item<double>();
    check<ValueError>(std::isfinite(scale) && scale > 0, "GradScaler: a scale of {}", scale);
    scale_ = scale;
    good_steps_ = state[1].second.item<std::int64_t>();
    seen_.clear();
}

}  // namespace adjoint::optim
