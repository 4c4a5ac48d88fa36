// Adagrad and Adadelta: options and functors.
#include <adjoint/optim/adagrad.h>

#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {

Adagrad::Adagrad(const std::vector<Group>& groups) : OptimizerWith("Adagrad") {
    for (const Group& group : groups) {
        const AdagradOptions& o = group.options;
        detail::check_not_negative("Adagrad", {{"lr_decay", o.lr_decay},
                                               {"weight_decay", o.weight_decay},
                                               {"initial_accumulator_value", o.initial_accumulator_value},
                                               {"eps", o.eps}});
        add(group, {"sum"});
    }
}

UpdateOp Adagrad::update(std::size_t group, double lr, std::int64_t step) const {
    const AdagradOptions& o = options(group);
    return functor::AdagradStep{.rate = lr / (1 + static_cast<double>(step - 1) * o.lr_decay),
                                .weight_decay = o.weight_decay,
                                .eps = o.eps,
                                .initial = o.initial_accumulator_value,
                                .first = step == 1,
                                .maximize = o.maximize};
}

std::int64_t Adagrad::update_key(std::size_t group, std::int64_t step) const {
    return options(group).lr_decay == 0 ? step == 1 : step;
}

Adadelta::Adadelta(const std::vector<Group>& groups) : OptimizerWith("Adadelta") {
    for (const Group& group : groups) {
        const AdadeltaOptions& o = group.options;
        detail::check_shares("Adadelta", {{"rho", o.rho}});
        detail::check_not_negative("Adadelta", {{"eps", o.eps}, {"weight_decay", o.weight_decay}});
        add(group, {"square_avg", "acc_delta"});
    }
}

UpdateOp Adadelta::update(std::size_t group, double lr, std::int64_t) const {
    const AdadeltaOptions& o = options(group);
    return functor::AdadeltaStep{
        .lr = lr, .rho = o.rho, .eps = o.eps, .weight_decay = o.weight_decay, .maximize = o.maximize};
}

}  // namespace adjoint::optim
