// Adam and AdamW: options and functors.
#include <adjoint/optim/adam.h>

#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/functors/update.h>

namespace adjoint::optim {
namespace {

AdamOptions as_adam(const AdamWOptions& options) {
    return {.lr = options.lr,
            .betas = options.betas,
            .eps = options.eps,
            .weight_decay = options.weight_decay,
            .amsgrad = options.amsgrad,
            .maximize = options.maximize};
}

bool is_rate(double beta) { return beta >= 0 && beta < 1; }

}  // namespace

void AdamFamily::add(const std::vector<Tensor>& parameters, const AdamOptions& options) {
    check<ValueError>(is_rate(options.betas.first) && is_rate(options.betas.second),
                      "{}: betas {} and {} must lie in [0, 1)", name_, options.betas.first,
                      options.betas.second);
    check<ValueError>(options.eps >= 0 && options.weight_decay >= 0,
                      "{}: eps {}, weight_decay {}: neither may be negative", name_, options.eps,
                      options.weight_decay);
    std::vector<const char*> states{"exp_avg", "exp_avg_sq"};
    if (options.amsgrad) states.push_back("max_exp_avg_sq");
    add_group(parameters, options.lr, std::move(states));
    options_.push_back(options);
}

UpdateOp AdamFamily::update(std::size_t group, double lr, std::int64_t step) const {
    const AdamOptions& options = options_[group];
    const auto t = static_cast<double>(step);
    const functor::AdamStep adam{.lr = lr,
                                 .beta1 = options.betas.first,
                                 .beta2 = options.betas.second,
                                 .eps = options.eps,
                                 .weight_decay = options.weight_decay,
                                 .correction1 = 1 - std::pow(options.betas.first, t),
                                 .correction2_root = std::sqrt(1 - std::pow(options.betas.second, t)),
                                 .decoupled = decoupled_,
                                 .maximize = options.maximize};
    if (options.amsgrad) return functor::AmsgradStep{adam};
    return adam;
}

Adam::Adam(const std::vector<Tensor>& parameters, const AdamOptions& options) : AdamFamily("Adam", false) {
    add(parameters, options);
}

Adam::Adam(const std::vector<Group>& groups) : AdamFamily("Adam", false) {
    for (const Group& group : groups) add(group.parameters, group.options);
}

AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options) : AdamFamily("AdamW", true) {
    add(parameters, as_adam(options));
}

AdamW::AdamW(const std::vector<Group>& groups) : AdamFamily("AdamW", true) {
    for (const Group& group : groups) add(group.parameters, as_adam(group.options));
}

}  // namespace adjoint::optim
