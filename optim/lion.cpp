// Lion: options and functor.
#include <adjoint/optim/lion.h>

#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {

Lion::Lion(const std::vector<Group>& groups) : OptimizerWith("Lion") {
    for (const Group& group : groups) {
        const LionOptions& o = group.options;
        detail::check_shares("Lion", {{"betas.first", o.betas.first}, {"betas.second", o.betas.second}});
        detail::check_not_negative("Lion", {{"weight_decay", o.weight_decay}});
        add(group, {"exp_avg"});
    }
}

UpdateOp Lion::update(std::size_t group, double lr, std::int64_t) const {
    const LionOptions& o = options(group);
    return functor::LionStep{.lr = lr,
                             .beta1 = o.betas.first,
                             .beta2 = o.betas.second,
                             .weight_decay = o.weight_decay,
                             .maximize = o.maximize};
}

}  // namespace adjoint::optim
