// RMSprop and Rprop: options and functors.
#include <adjoint/optim/rmsprop.h>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {
namespace {

template <bool centered, bool momentous> UpdateOp rmsprop_step(const RMSpropOptions& o, double lr) {
    return functor::RmspropStep<centered, momentous>{.lr = lr,
                                                     .alpha = o.alpha,
                                                     .eps = o.eps,
                                                     .weight_decay = o.weight_decay,
                                                     .momentum = o.momentum,
                                                     .maximize = o.maximize};
}

}  // namespace

RMSprop::RMSprop(const std::vector<Group>& groups) : OptimizerWith("RMSprop") {
    for (const Group& group : groups) {
        const RMSpropOptions& o = group.options;
        detail::check_shares("RMSprop", {{"alpha", o.alpha}});
        detail::check_not_negative(
            "RMSprop", {{"eps", o.eps}, {"weight_decay", o.weight_decay}, {"momentum", o.momentum}});
        std::vector<const char*> states{"square_avg"};
        if (o.momentum != 0) states.push_back("momentum_buffer");
        if (o.centered) states.push_back("grad_avg");
        add(group, std::move(states));
    }
}

UpdateOp RMSprop::update(std::size_t group, double lr, std::int64_t) const {
    const RMSpropOptions& o = options(group);
    if (o.momentum != 0)
        return o.centered ? rmsprop_step<true, true>(o, lr) : rmsprop_step<false, true>(o, lr);
    return o.centered ? rmsprop_step<true, false>(o, lr) : rmsprop_step<false, false>(o, lr);
}

Rprop::Rprop(const std::vector<Group>& groups) : OptimizerWith("Rprop") {
    for (const Group& group : groups) {
        const auto [shrink, grow] = group.options.etas;
        const auto [smallest, largest] = group.options.step_sizes;
        check<ValueError>(shrink > 0 && shrink < 1 && grow > 1,
                          "Rprop: etas {} and {}: the first must lie in (0, 1), the second above 1", shrink,
                          grow);
        check<ValueError>(smallest >= 0 && smallest <= largest, "Rprop: step_sizes {} to {}", smallest,
                          largest);
        add(group, {"prev", "step_size"});
    }
}

UpdateOp Rprop::update(std::size_t group, double lr, std::int64_t step) const {
    const RpropOptions& o = options(group);
    return functor::RpropStep{.lr = lr,
                              .shrink = o.etas.first,
                              .grow = o.etas.second,
                              .smallest = o.step_sizes.first,
                              .largest = o.step_sizes.second,
                              .first = step == 1,
                              .maximize = o.maximize};
}

}  // namespace adjoint::optim
