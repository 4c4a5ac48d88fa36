// Stochastic gradient descent: options and functors.
#include <adjoint/optim/sgd.h>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/functors/update.h>

namespace adjoint::optim {

SGD::SGD(const std::vector<Tensor>& parameters, const SGDOptions& options) : Optimizer("SGD") {
    add(parameters, options);
}

SGD::SGD(const std::vector<Group>& groups) : Optimizer("SGD") {
    for (const Group& group : groups) add(group.parameters, group.options);
}

void SGD::add(const std::vector<Tensor>& parameters, const SGDOptions& options) {
    check<ValueError>(options.momentum >= 0 && options.weight_decay >= 0,
                      "SGD: momentum {}, weight_decay {}: neither may be negative", options.momentum,
                      options.weight_decay);
    check<ValueError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
                      "SGD: nesterov needs momentum and no dampening, not momentum {} and dampening {}",
                      options.momentum, options.dampening);
    std::vector<const char*> states;
    if (options.momentum != 0) states.push_back("momentum");
    add_group(parameters, options.lr, std::move(states));
    options_.push_back(options);
}

UpdateOp SGD::update(std::size_t group, double lr, std::int64_t step) const {
    const SGDOptions& options = options_[group];
    if (options.momentum == 0)
        return functor::PlainSgdStep{
            .lr = lr, .weight_decay = options.weight_decay, .maximize = options.maximize};
    return functor::SgdStep{.lr = lr,
                            .momentum = options.momentum,
                            .dampening = options.dampening,
                            .weight_decay = options.weight_decay,
                            .nesterov = options.nesterov,
                            .first = step == 1,
                            .maximize = options.maximize};
}

std::int64_t SGD::update_key(std::size_t group, std::int64_t step) const {
    return options_[group].momentum != 0 && step == 1;
}

}  // namespace adjoint::optim
