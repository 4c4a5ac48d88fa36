// Stochastic gradient descent: options and functors.
#include <adjoint/optim/sgd.h>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {

SGD::SGD(const std::vector<Group>& groups) : OptimizerWith("SGD") {
    for (const Group& group : groups) {
        const SGDOptions& o = group.options;
        detail::check_not_negative("SGD", {{"momentum", o.momentum}, {"weight_decay", o.weight_decay}});
        check<ValueError>(!o.nesterov || (o.momentum > 0 && o.dampening == 0),
                          "SGD: nesterov needs momentum and no dampening, not momentum {} and dampening {}",
                          o.momentum, o.dampening);
        std::vector<const char*> states;
        if (o.momentum != 0) states.push_back("momentum");
        add(group, std::move(states));
    }
}

UpdateOp SGD::update(std::size_t group, double lr, std::int64_t step) const {
    const SGDOptions& o = options(group);
    if (o.momentum == 0)
        return functor::PlainSgdStep{.lr = lr, .weight_decay = o.weight_decay, .maximize = o.maximize};
    return functor::SgdStep{.lr = lr,
                            .momentum = o.momentum,
                            .dampening = o.dampening,
                            .weight_decay = o.weight_decay,
                            .nesterov = o.nesterov,
                            .first = step == 1,
                            .maximize = o.maximize};
}

std::int64_t SGD::update_key(std::size_t group, std::int64_t step) const {
    return options(group).momentum != 0 && step == 1;
}

}  // namespace adjoint::optim
