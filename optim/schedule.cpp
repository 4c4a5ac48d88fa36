// The formulas of the schedules.
#include <adjoint/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::optim {
namespace {

/// The tensor of this name, checked; a state has exactly `names` entries.
const Tensor& entry(const NamedTensors& state, std::size_t names, const char* name, const Shape& shape,
                    DType dtype) {
    const auto found =
        std::find_if(state.begin(), state.end(), [&](const auto& e) { return e.first == name; });
    check<ValueError>(found != state.end() && state.size() == names,
                      "schedule: load_state: expected {} and {} more", name, names - 1);
    check<ValueError>(
        found->second.defined() && found->second.shape() == shape && found->second.dtype() == dtype,
        "schedule: load_state: {} is not {} of shape {}", name, adjoint::name(dtype), to_string(shape));
    return found->second;
}

double on_cosine(double from, double to, double share) {
    return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
}

double power(double gamma, std::int64_t n) { return std::pow(gamma, static_cast<double>(n)); }

Schedule::Formula linear(const LinearLROptions& options) {
    check<ValueError>(options.total_iters > 0, "LinearLR: {} epochs", options.total_iters);
    return [options](std::int64_t epoch, double base) {
        const double share = static_cast<double>(std::min(epoch, options.total_iters)) /
                             static_cast<double>(options.total_iters);
        return base * (options.start_factor + (options.end_factor - options.start_factor) * share);
    };
}

Schedule::Formula warm_restarts(std::int64_t t_0, std::int64_t t_mult, double eta_min) {
    check<ValueError>(t_0 > 0 && t_mult > 0, "CosineAnnealingWarmRestarts: t_0 {}, t_mult {}", t_0, t_mult);
    return [=](std::int64_t epoch, double base) {
        std::int64_t length = t_0, at = epoch;
        if (t_mult == 1) at %= length;
        for (; at >= length; length *= t_mult) at -= length;
        return on_cosine(base, eta_min, static_cast<double>(at) / static_cast<double>(length));
    };
}

Schedule::Rates for_all_groups(const Schedule::Formula& formula) {
    return [formula](std::int64_t epoch, std::size_t, double base) { return formula(epoch, base); };
}

/// Which of some parts an epoch belongs to, and its number there. Each begins at its milestone.
std::pair<std::size_t, std::int64_t> part_of(std::int64_t epoch,
                                             const std::vector<std::int64_t>& milestones) {
    const auto passed = std::upper_bound(milestones.begin(), milestones.end(), epoch) - milestones.begin();
    const auto at = static_cast<std::size_t>(passed);
    return {at, at == 0 ? epoch : epoch - milestones[at - 1]};
}

Schedule::Rates sequence(std::vector<Schedule::Rates> rates, std::vector<std::int64_t> milestones) {
    return [rates = std::move(rates), milestones = std::move(milestones)](std::int64_t epoch,
                                                                          std::size_t group, double base) {
        const auto [part, own] = part_of(epoch, milestones);
        return rates[part](own, group, base);
    };
}

Schedule::Rates joined(const std::vector<Schedule>& schedules, const std::vector<std::int64_t>& milestones) {
    check<ValueError>(!schedules.empty() && milestones.size() + 1 == schedules.size(),
                      "SequentialLR: {} schedules with {} milestones between them", schedules.size(),
                      milestones.size());
    std::int64_t before = 0;
    for (const std::int64_t milestone : milestones) {
        check<ValueError>(milestone > before, "SequentialLR: milestone {} after {}", milestone, before);
        before = milestone;
    }
    std::vector<Schedule::Rates> rates;
    rates.reserve(schedules.size());
    for (const Schedule& schedule : schedules) rates.push_back(schedule.rates());
    return sequence(std::move(rates), milestones);
}

Schedule::Momentum joined_momentum(const std::vector<Schedule>& schedules,
                                   const std::vector<std::int64_t>& milestones) {
    std::vector<Schedule::Momentum> momenta;
    momenta.reserve(schedules.size());
    for (const Schedule& schedule : schedules) momenta.push_back(schedule.momentum());
    return [=](std::int64_t epoch) -> std::optional<double> {
        const auto [part, own] = part_of(epoch, milestones);
        return momenta[part] ? momenta[part](own) : std::nullopt;
    };
}

/// How far a cycle is between its lowest place, 0, and its highest, 1, and in which of its falls.
struct CyclePlace {
    double height;
    bool last_fall;
};
CyclePlace place_in_cycle(const OneCycleLROptions& o, std::int64_t step) {
    check<ValueError>(step <= o.total_steps, "OneCycleLR: step {} of {}", step, o.total_steps);
    // The last of total_steps calls finds nothing left.
    const auto at = static_cast<double>(std::min(step, o.total_steps - 1));
    const auto n = static_cast<double>(o.total_steps);
    const double top = o.pct_start * n - 1, low = 2 * top, end = n - 1;
    const auto share = [&](double from, double to) { return to > from ? (at - from) / (to - from) : 1.0; };
    const auto height = [&](double part) {
        return o.anneal_strategy == Anneal::linear ? part : on_cosine(0, 1, part);
    };
    if (at <= top) return {height(share(0, top)), false};
    if (!o.three_phase) return {1 - height(share(top, end)), true};
    if (at <= low) return {1 - height(share(top, low)), false};
    return {1 - height(share(low, end)), true};
}

void check_one_cycle(const OneCycleLROptions& o, std::size_t groups) {
    check<ValueError>(o.total_steps > 0,
                      "OneCycleLR: .total_steps is {}; expected the number of all steps, epochs * batches",
                      o.total_steps);
    const double most = o.three_phase ? 0.5 : 1;
    check<ValueError>(o.pct_start >= 0 && o.pct_start <= most,
                      "OneCycleLR: .pct_start is {}; expected the share of steps that rise, 0 to {}",
                      o.pct_start, most);
    check<ValueError>(o.div_factor > 0 && o.final_div_factor > 0, "OneCycleLR: factors {} and {}",
                      o.div_factor, o.final_div_factor);
    check<ValueError>(o.max_lrs.empty() || o.max_lrs.size() == groups, "OneCycleLR: {} rates for {} groups",
                      o.max_lrs.size(), groups);
    const auto is_momentum = [](double m) { return m > 0 && m < 1; };
    check<ValueError>(!o.cycle_momentum || (is_momentum(o.base_momentum) && is_momentum(o.max_momentum)),
                      "OneCycleLR: momenta {} and {}, expected in (0, 1)", o.base_momentum, o.max_momentum);
}

Schedule::Rates one_cycle(const Optimizer& optimizer, const OneCycleLROptions& o) {
    check_one_cycle(o, optimizer.group_count());
    for (std::size_t g = 0; g < optimizer.group_count(); ++g)
        check<ValueError>(!o.cycle_momentum || optimizer.momentum(g).has_value(),
                          "OneCycleLR: the optimizer has no momentum to cycle in group {}; give it one, or "
                          "set cycle_momentum to false",
                          g);
    return [o](std::int64_t step, std::size_t group, double) {
        const double highest = o.max_lrs.empty() ? o.max_lr : o.max_lrs[group];
        const double first = highest / o.div_factor, last = first / o.final_div_factor;
        const auto [height, last_fall] = place_in_cycle(o, step);
        const double low = last_fall && !o.three_phase ? last : first;
        // In the last of three phases the rate falls from the first to the last.
        if (last_fall && o.three_phase) return last + (first - last) * height;
        return low + (highest - low) * height;
    };
}

Schedule::Momentum one_cycle_momentum(const OneCycleLROptions& o) {
    if (!o.cycle_momentum) return {};
    return [o](std::int64_t step) -> std::optional<double> {
        const auto [height, last_fall] = place_in_cycle(o, step);
        if (last_fall && o.three_phase) return o.max_momentum;
        return o.max_momentum + (o.base_momentum - o.max_momentum) * height;
    };
}

}  // namespace

Schedule::Schedule(Optimizer& optimizer, const Formula& formula)
    : Schedule(optimizer, for_all_groups(formula)) {}

Schedule::Schedule(Optimizer& optimizer, Rates rates, Momentum momentum, std::vector<double> base_lrs)
    : optimizer_(&optimizer),
      rates_(std::move(rates)),
      momentum_(std::move(momentum)),
      base_lrs_(std::move(base_lrs)) {
    const std::size_t groups = optimizer.group_count();
    if (base_lrs_.empty())
        for (std::size_t g = 0; g < groups; ++g) base_lrs_.push_back(optimizer.lr(g));
    check<ValueError>(base_lrs_.size() == groups, "schedule: {} base rates for {} groups", base_lrs_.size(),
                      groups);
    std::vector<double> first;
    for (std::size_t g = 0; g < groups; ++g) first.push_back(rates_(0, g, base_lrs_[g]));
    set(0, first);
}

void Schedule::set(std::int64_t epoch, const std::vector<double>& rates) {
    const std::optional<double> momentum = momentum_ ? momentum_(epoch) : std::nullopt;
    for (std::size_t g = 0; g < rates.size(); ++g) {
        optimizer_->set_lr(rates[g], g);
        if (momentum) optimizer_->set_momentum(*momentum, g);
    }
    epoch_ = epoch;
}

void Schedule::step() {
    std::vector<double> rates;
    for (std::size_t g = 0; g < base_lrs_.size(); ++g) {
        const double before = rates_(epoch_, g, base_lrs_[g]), after = rates_(epoch_ + 1, g, base_lrs_[g]);
        const double today = optimizer_->lr(g);
        // Where the rate is the formula's, it stays so to the last bit.
        rates.push_back(today == before || before == 0 ? after : today * (after / before));
    }
    set(epoch_ + 1, rates);
}

NamedTensors Schedule::state() const {
    const auto groups = static_cast<std::int64_t>(base_lrs_.size());
    std::vector<double> rates;
    for (std::size_t g = 0; g < base_lrs_.size(); ++g) rates.push_back(optimizer_->lr(g));
    return {{"epoch", Tensor(epoch_)},
            {"base_lrs", tensor(base_lrs_, {groups}, Device::cpu())},
            {"lrs", tensor(rates, {groups}, Device::cpu())}};
}

void Schedule::load_state(const NamedTensors& state) {
    const auto groups = static_cast<std::int64_t>(base_lrs_.size());
    const auto epoch = entry(state, 3, "epoch", {}, i64).item<std::int64_t>();
    std::vector<double> bases = entry(state, 3, "base_lrs", {groups}, f64).to_vector<double>();
    const std::vector<double> rates = entry(state, 3, "lrs", {groups}, f64).to_vector<double>();
    check<ValueError>(epoch >= 0, "schedule: load_state: epoch {}", epoch);
    for (const double rate : rates)
        check<ValueError>(std::isfinite(rate) && rate >= 0, "schedule: load_state: a rate of {}", rate);
    set(epoch, rates);
    base_lrs_ = std::move(bases);
}

LambdaLR::LambdaLR(Optimizer& optimizer, std::function<double(std::int64_t)> factor)
    : Schedule(optimizer,
               [f = std::move(factor)](std::int64_t epoch, double base) { return base * f(epoch); }) {}

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma)
    : Schedule(optimizer, [=](std::int64_t epoch, double base) {
          check<ValueError>(step_size > 0, "StepLR: step size {}", step_size);
          return base * power(gamma, epoch / step_size);
      }) {}

MultiStepLR::MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma)
    : Schedule(optimizer, [=, at = std::move(milestones)](std::int64_t epoch, double base) {
          return base * power(gamma, std::count_if(at.begin(), at.end(),
                                                   [=](std::int64_t m) { return m <= epoch; }));
      }) {}

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : Schedule(optimizer, [=](std::int64_t epoch, double base) { return base * power(gamma, epoch); }) {}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t t_max, double eta_min)
    : Schedule(optimizer, [=](std::int64_t epoch, double base) {
          check<ValueError>(t_max > 0, "CosineAnnealingLR: t_max {}", t_max);
          return on_cosine(base, eta_min, static_cast<double>(epoch) / static_cast<double>(t_max));
      }) {}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t t_0,
                                                         std::int64_t t_mult, double eta_min)
    : Schedule(optimizer, warm_restarts(t_0, t_mult, eta_min)) {}

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, std::int64_t total_iters)
    : Schedule(optimizer, [=](std::int64_t epoch, double base) {
          check<ValueError>(factor >= 0 && total_iters >= 0, "ConstantLR: factor {} for {} epochs", factor,
                            total_iters);
          return epoch < total_iters ? base * factor : base;
      }) {}

PolynomialLR::PolynomialLR(Optimizer& optimizer, std::int64_t total_iters, double power)
    : Schedule(optimizer, [=](std::int64_t epoch, double base) {
          check<ValueError>(total_iters > 0, "PolynomialLR: {} epochs", total_iters);
          const double left = static_cast<double>(total_iters - std::min(epoch, total_iters));
          return base * std::pow(left / static_cast<double>(total_iters), power);
      }) {}

LinearLR::LinearLR(Optimizer& optimizer, const LinearLROptions& options)
    : Schedule(optimizer, linear(options)) {}

SequentialLR::SequentialLR(Optimizer& optimizer, const std::vector<Schedule>& schedules,
                           const std::vector<std::int64_t>& milestones)
    : Schedule(optimizer, joined(schedules, milestones), joined_momentum(schedules, milestones),
               schedules.empty() ? std::vector<double>() : schedules[0].base_lrs()) {}

Schedule warmup_cosine(Optimizer& optimizer, const WarmupCosineOptions& options) {
    const std::int64_t first = options.warmup_steps, length = options.total_steps - first;
    check<ValueError>(first >= 0 && length > 0, "warmup_cosine: {} steps of {} to warm up", first,
                      options.total_steps);
    const Schedule::Formula fall = [=, low = options.eta_min](std::int64_t epoch, double base) {
        return on_cosine(base, low,
                         static_cast<double>(std::min(epoch, length)) / static_cast<double>(length));
    };
    if (first == 0) return Schedule(optimizer, fall);
    const Schedule::Formula rise =
        linear({.start_factor = options.start_factor, .end_factor = 1, .total_iters = first});
    return Schedule(optimizer, [=](std::int64_t epoch, double base) {
        return epoch < first ? rise(epoch, base) : fall(epoch - first, base);
    });
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : Schedule(optimizer, one_cycle(optimizer, options), one_cycle_momentum(options)) {}

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options)
    : optimizer_(&optimizer),
      options_(options),
      best_(options.mode == PlateauMode::min ? std::numeric_limits<double>::infinity()
                                             : -std::numeric_limits<double>::infinity()) {
    check<ValueError>(options.factor >= 0 && options.factor < 1,
                      "ReduceLROnPlateau: factor {} is not in [0, 1)", options.factor);
}

void ReduceLROnPlateau::step(double metric) {
    const bool smaller = options_.mode == PlateauMode::min;
    const double threshold = smaller ? -options_.threshold : options_.threshold;
    // Before the first metric the best one is infinite, and so is the bound.
    const double bound =
        options_.threshold_mode == ThresholdMode::rel ? best_ * (1 + threshold) : best_ + threshold;
    if (smaller ? metric < bound : metric > bound) {
        best_ = metric;
        bad_epochs_ = 0;
    } else {
        ++bad_epochs_;
    }
    if (cooldown_ > 0) {
        --cooldown_;
        bad_epochs_ = 0;
    }
    if (bad_epochs_ <= options_.patience) return;
    for (std::size_t g = 0; g < optimizer_->group_count(); ++g) {
        const double before = optimizer_->lr(g), after = std::max(before * options_.factor, options_.min_lr);
        if (before - after > options_.eps) optimizer_->set_lr(after, g);
    }
    cooldown_ = options_.cooldown;
    bad_epochs_ = 0;
}

NamedTensors ReduceLROnPlateau::state() const {
    return {{"best", Tensor(best_)}, {"bad_epochs", Tensor(bad_epochs_)}, {"cooldown", Tensor(cooldown_)}};
}

void ReduceLROnPlateau::load_state(const NamedTensors& state) {
    const double best = entry(state, 3, "best", {}, f64).item<double>();
    const auto bad = entry(state, 3, "bad_epochs", {}, i64).item<std::int64_t>();
    cooldown_ = entry(state, 3, "cooldown", {}, i64).item<std::int64_t>();
    bad_epochs_ = bad;
    best_ = best;
}

}  // namespace adjoint::optim
