// Loss scaling for gradients in f16, whose smallest number is 6e-8.
//
//     optim::GradScaler scaler;
//     scaler.scale(loss).backward();
//     scaler.unscale(optimizer);      // only if the gradients are looked at or clipped
//     scaler.step(optimizer);         // nothing moves if a gradient overflowed
//     scaler.update();
#pragma once

#include <cstdint>
#include <vector>

#include <adjoint/optim/optimizer.h>

namespace adjoint::optim {

struct GradScalerOptions {
    double init_scale = 65536;
    double growth_factor = 2;
    double backoff_factor = 0.5;
    std::int64_t growth_interval = 2000;  ///< steps without overflow before the scale grows
};

/// Multiplies the loss by a scale that shrinks when a gradient overflows and grows while none does.
/// source: Micikevicius et al., Mixed precision training, ICLR 2018.
class ADJOINT_API GradScaler {
  public:
    /// errors: ValueError unless init_scale > 0, growth_factor > 1, backoff_factor in (0, 1), interval > 0.
    explicit GradScaler(const GradScalerOptions& options = {});

    /// The factor of the losses now.
    double scale() const noexcept { return scale_; }
    /// loss times the scale.
    Tensor scale(const Tensor& loss) const;
    /// Divides the gradients of the optimizer's parameters by the scale, at most once between two updates.
    /// errors (of all that unscales): ValueError where they are shared out over ranks, and
    /// distributed::DataParallel::unscale was not called before.
    void unscale(const Optimizer& optimizer);
    /// Whether no gradient holds Inf or NaN; unscales if that was not done.
    bool is_finite(const Optimizer& optimizer);
    /// Between unscale() and step(): as if one did, for who knows of gradients that are elsewhere.
    void set_overflowed(const Optimizer& optimizer);
    /// Unscales if that was not done, then steps unless a gradient holds Inf or NaN. Says whether it stepped.
    /// Reads one number back from the device.
    /// errors: AutogradError for a second step before update().
    bool step(Optimizer& optimizer);
    /// After the steps of all optimizers: the scale of the next iteration.
    void update();

    /// What a resumed run needs: "scale", "good_steps".
    NamedTensors state() const;
    /// errors: ValueError, nothing changed.
    void load_state(const NamedTensors& state);

  private:
    struct Seen {
        const Optimizer* optimizer;
        bool finite;
        bool stepped;
    };
    Seen& unscaled(const Optimizer& optimizer);

    GradScalerOptions options_;
    double scale_;
    std::int64_t good_steps_ = 0;
    std::vector<Seen> seen_;  // since the last update
};

}  // namespace adjoint::optim
