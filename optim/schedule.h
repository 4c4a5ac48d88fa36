// Learning rates that change with the epochs (or steps): schedule.step() after each one.
//
// A schedule takes the rate that each group has when it is made as the group's base rate, and the rate of an
// epoch is a formula of the base and the epoch's number alone, starting with 0. Where something else has
// changed the rate, another schedule or set_lr(), a step multiplies it by the formula's new rate over the
// formula's old one: several schedules that are stepped together multiply. After a rate of 0 a schedule goes
// on with its own formula. It refers to the optimizer, which must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

/// The base of the schedules.
class ADJOINT_API Schedule {
  public:
    /// The rate of an epoch from the number of the epoch and the group's base rate.
    using Formula = std::function<double(std::int64_t epoch, double base_lr)>;
    Schedule(Optimizer& optimizer, const Formula& formula);

    /// Goes to the next epoch and sets the rates.
    void step();
    std::int64_t epoch() const noexcept { return epoch_; }
    /// What schedules that are made of others need: the rate of a group, and the momentum of all groups in an
    /// epoch, none if it stays.
    using Rates = std::function<double(std::int64_t epoch, std::size_t group, double base_lr)>;
    using Momentum = std::function<std::optional<double>(std::int64_t epoch)>;
    const Rates& rates() const noexcept { return rates_; }
    const Momentum& momentum() const noexcept { return momentum_; }
    const std::vector<double>& base_lrs() const noexcept { return base_lrs_; }
    /// What a resumed run needs: "epoch", "base_lrs", and "lrs", the rates of today.
    NamedTensors state() const;
    /// Takes such a state over and sets the rates.
    /// errors: ValueError, nothing is changed then.
    void load_state(const NamedTensors& state);

  protected:
    /// With base rates other than today's, or today's if there are none.
    Schedule(Optimizer& optimizer, Rates rates, Momentum momentum = {}, std::vector<double> base_lrs = {});

  private:
    void set(std::int64_t epoch, const std::vector<double>& rates);

    Optimizer* optimizer_;
    Rates rates_;
    Momentum momentum_;
    std::vector<double> base_lrs_;
    std::int64_t epoch_ = 0;
};

/// base * factor(epoch)
class ADJOINT_API LambdaLR : public Schedule {
  public:
    LambdaLR(Optimizer& optimizer, std::function<double(std::int64_t epoch)> factor);
};

/// base * gamma^floor(epoch / step_size)
class ADJOINT_API StepLR : public Schedule {
  public:
    StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1);
};

/// base * gamma^(number of milestones reached)
class ADJOINT_API MultiStepLR : public Schedule {
  public:
    MultiStepLR(Optimizer& optimizer, std::vector<std::int64_t> milestones, double gamma = 0.1);
};

/// base * gamma^epoch
class ADJOINT_API ExponentialLR : public Schedule {
  public:
    ExponentialLR(Optimizer& optimizer, double gamma);
};

/// eta_min + (base - eta_min) (1 + cos(pi epoch / t_max)) / 2
/// source: Loshchilov and Hutter, SGDR, ICLR 2017, without restarts.
class ADJOINT_API CosineAnnealingLR : public Schedule {
  public:
    CosineAnnealingLR(Optimizer& optimizer, std::int64_t t_max, double eta_min = 0);
};

/// CosineAnnealingLR over t_i epochs, then anew from the base rate; each round t_mult times as long as the
/// one before, the first t_0.
/// errors: ValueError unless both are positive.
/// source: SGDR, as above.
class ADJOINT_API CosineAnnealingWarmRestarts : public Schedule {
  public:
    CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t t_0, std::int64_t t_mult = 1,
                                double eta_min = 0);
};

/// base * factor for the first total_iters epochs, then base.
class ADJOINT_API ConstantLR : public Schedule {
  public:
    explicit ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5);
};

/// base (1 - min(epoch, total_iters) / total_iters)^power
class ADJOINT_API PolynomialLR : public Schedule {
  public:
    explicit PolynomialLR(Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1);
};

struct LinearLROptions {
    double start_factor = 1.0 / 3;
    double end_factor = 1;
    std::int64_t total_iters = 5;
};
/// base times a factor that goes linearly from start_factor to end_factor in total_iters epochs, then stays.
class ADJOINT_API LinearLR : public Schedule {
  public:
    explicit LinearLR(Optimizer& optimizer, const LinearLROptions& options = {});
};

/// The first schedule until the first milestone, from there on the second with its epochs counted from 0, and
/// so on. They are copied; make them in their order, the base rates are those that the first one found.
/// errors: ValueError unless milestones are positive, ascend, and are one fewer than schedules.
///
///     optim::LinearLR warm_up(optimizer, {.total_iters = 5});
///     optim::ExponentialLR decay(optimizer, 0.9);
///     optim::SequentialLR schedule(optimizer, {warm_up, decay}, {5});
class ADJOINT_API SequentialLR : public Schedule {
  public:
    SequentialLR(Optimizer& optimizer, const std::vector<Schedule>& schedules,
                 const std::vector<std::int64_t>& milestones);
};

struct WarmupCosineOptions {
    std::int64_t warmup_steps = 0;
    std::int64_t total_steps = 0;  ///< warm-up included
    double start_factor = 1e-2;    ///< the first rate is base * start_factor
    double eta_min = 0;            ///< the last rate, held from total_steps on
};
/// LinearLR over warmup_steps, then CosineAnnealingLR down to eta_min.
/// errors: ValueError unless 0 <= warmup_steps < total_steps.
ADJOINT_API Schedule warmup_cosine(Optimizer& optimizer, const WarmupCosineOptions& options);

/// The way from one rate to the next.
enum class Anneal { cos, linear };

struct OneCycleLROptions {
    double max_lr = 0;
    std::int64_t total_steps = 0;
    double pct_start = 0.3;            ///< share of the steps in which the rate rises
    double div_factor = 25;            ///< the first rate is max_lr / div_factor
    double final_div_factor = 1e4;     ///< the last one is the first / final_div_factor
    std::vector<double> max_lrs = {};  ///< in the place of max_lr, one for each group
    Anneal anneal_strategy = Anneal::cos;
    /// Falls to the first rate in as many steps as it rose, then to the last in the rest.
    bool three_phase = false;
    /// The momentum falls from max_momentum to base_momentum as the rate rises, and rises as it falls.
    bool cycle_momentum = true;
    double base_momentum = 0.85, max_momentum = 0.95;
};
/// Rises to max_lr and falls, along half a cosine or a line, in the phases of PyTorch: with n = total_steps
/// and p = pct_start the rate is highest in step p n - 1 and the last one in step n - 1; with three phases it
/// is the first again in step 2 p n - 2. The last of total_steps calls of step() leaves the last rate.
/// errors: ValueError for one more call; unless momenta are in (0, 1), pct_start in [0, 1], at most 0.5 for
/// three phases, factors positive and rates one for each group; for an optimizer without momentum, unless
/// cycle_momentum is false.
/// source: Smith and Topin, Super-convergence, 2017.
class ADJOINT_API OneCycleLR : public Schedule {
  public:
    OneCycleLR(Optimizer& optimizer, const OneCycleLROptions& options);
};

/// Whether smaller or larger is better.
enum class PlateauMode { min, max };
/// Whether a threshold is a share of the best value or a difference from it.
enum class ThresholdMode { rel, abs };

struct ReduceLROnPlateauOptions {
    PlateauMode mode = PlateauMode::min;  ///< whether smaller or larger metrics are better
    double factor = 0.1;
    std::int64_t patience = 10;  ///< epochs without a better metric that are borne
    double threshold = 1e-4;     ///< what counts as better, relative to the best or absolute
    ThresholdMode threshold_mode = ThresholdMode::rel;
    std::int64_t cooldown = 0;  ///< epochs after a reduction that are not counted
    double min_lr = 0;
    double eps = 1e-8;  ///< a smaller change is not made
};
/// Multiplies the rates by `factor` when a metric has stopped getting better. A NaN is never better.
class ADJOINT_API ReduceLROnPlateau {
  public:
    explicit ReduceLROnPlateau(Optimizer& optimizer, const ReduceLROnPlateauOptions& options = {});
    /// Looks at the metric of the epoch that has ended, and lowers the rates where it has stood still.
    void step(double metric);
    /// "best", "bad_epochs", "cooldown"; the rates themselves are in the optimizer's state.
    NamedTensors state() const;
    /// errors: ValueError, nothing is changed then.
    void load_state(const NamedTensors& state);

  private:
    Optimizer* optimizer_;
    ReduceLROnPlateauOptions options_;
    double best_;
    std::int64_t bad_epochs_ = 0, cooldown_ = 0;
};

}  // namespace adjoint::optim
