// The formulas of the schedules.
#include <adjoint/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

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

/// Each formula from its milestone on (the first from 0), with epochs counted from there.
Schedule::Formula sequence(std::vector<Schedule::Formula> formulas, std::vector<std::int64_t> milestones) {
    return [formulas = std::move(formulas), milestones = std::move(milestones)](std::int64_t epoch,
                                                                                double base) {
        const auto passed =
            std::upper_bound(milestones.begin(), milestones.end(), epoch) - milestones.begin();
        const auto at = static_cast<std::size_t>(passed);
        return formulas[at](at == 0 ? epoch : epoch - milestones[at - 1], base);
    };
}

Schedule::Formula joined(const std::vector<Schedule>& schedules,
                         const std::vector<std::int64_t>& milestones) {
    check<ValueError>(!schedules.empty() && milestones.size() + 1 == schedules.size(),
                      "SequentialLR: {} schedules with {} milestones between them", schedules.size(),
                      milestones.size());
    std::int64_t before = 0;
    for (const std::int64_t milestone : milestones) {
        check<ValueError>(milestone > before, "SequentialLR: milestone {} after {}", milestone, before);
        before = milestone;
    }
    std::vector<Schedule::Formula> formulas;
    formulas.reserve(schedules.size());
    for (const Schedule& schedule : schedules) formulas.push_back(schedule.formula());
    return sequence(std::move(formulas), milestones);
}

Schedule::Formula one_cycle(const OneCycleLROptions& options) {
    check<ValueError>(options.total_steps > 0 && options.pct_start >= 0 && options.pct_start <= 1,
                      "OneCycleLR: {} steps, {} of them rising", options.total_steps, options.pct_start);
    return [options](std::int64_t step, double) {  // the last of total_steps calls finds nothing left
        check<ValueError>(step <= options.total_steps, "OneCycleLR: step {} of {}", step,
                          options.total_steps);
        step = std::min(step, options.total_steps - 1);
        const double first = options.max_lr / options.div_factor, last = first / options.final_div_factor;
        const auto at = static_cast<double>(step), end = static_cast<double>(options.total_steps);
        const double top = options.pct_start * end - 1;
        if (at <= top) return on_cosine(first, options.max_lr, top > 0 ? at / top : 1);
        return on_cosine(options.max_lr, last, end - 1 > top ? (at - top) / (end - 1 - top) : 1);
    };
}

}  // namespace

Schedule::Schedule(Optimizer& optimizer, Formula formula)
    : optimizer_(&optimizer), formula_(std::move(formula)) {
    for (std::size_t g = 0; g < optimizer.group_count(); ++g) base_lrs_.push_back(optimizer.lr(g));
    start();
}

Schedule::Schedule(Optimizer& optimizer, Formula formula, std::vector<double> base_lrs)
    : optimizer_(&optimizer), formula_(std::move(formula)), base_lrs_(std::move(base_lrs)) {
    check<ValueError>(base_lrs_.size() == optimizer.group_count(), "schedule: {} base rates for {} groups",
                      base_lrs_.size(), optimizer.group_count());
    start();
}

void Schedule::start() {
    std::vector<double> rates;
    for (const double base : base_lrs_) rates.push_back(formula_(0, base));
    set_rates(rates);
}

void Schedule::set_rates(const std::vector<double>& rates) {
    for (std::size_t g = 0; g < rates.size(); ++g) optimizer_->set_lr(rates[g], g);
}

void Schedule::step() {
    std::vector<double> rates;
    for (std::size_t g = 0; g < base_lrs_.size(); ++g) {
        const double before = formula_(epoch_, base_lrs_[g]), after = formula_(epoch_ + 1, base_lrs_[g]);
        const double today = optimizer_->lr(g);
        // Where the rate is the formula's, it stays so to the last bit.
        rates.push_back(today == before || before == 0 ? after : today * (after / before));
    }
    set_rates(rates);
    ++epoch_;
}

NamedTensors Schedule::state() const {
    const auto groups = static_cast<std::int64_t>(base_lrs_.size());
    std::vector<double> rates;
    for (std::size_t g = 0; g < base_lrs_.size(); ++g) rates.push_back(optimizer_->lr(g));
    return {{"epoch", Tensor(epoch_)},
            {"base_lrs", tensor(base_lrs_, {groups})},
            {"lrs", tensor(rates, {groups})}};
}

void Schedule::load_state(const NamedTensors& state) {
    const auto groups = static_cast<std::int64_t>(base_lrs_.size());
    const auto epoch = entry(state, 3, "epoch", {}, i64).item<std::int64_t>();
    std::vector<double> bases = entry(state, 3, "base_lrs", {groups}, f64).to_vector<double>();
    const std::vector<double> rates = entry(state, 3, "lrs", {groups}, f64).to_vector<double>();
    check<ValueError>(epoch >= 0, "schedule: load_state: epoch {}", epoch);
    for (const double rate : rates)
        check<ValueError>(std::isfinite(rate) && rate >= 0, "schedule: load_state: a rate of {}", rate);
    set_rates(rates);
    base_lrs_ = std::move(bases);
    epoch_ = epoch;
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
    : Schedule(optimizer, joined(schedules, milestones),
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
    return Schedule(optimizer, sequence({rise, fall}, {first}));
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options)
    : Schedule(optimizer, one_cycle(options)) {}

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
