// Adam and its variants: options and functors.
#include <adjoint/optim/adam.h>

#include <cmath>

#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {
namespace {

template <class O> void check_options(const char* op, const O& o) {
    detail::check_shares(op, {{"betas.first", o.betas.first}, {"betas.second", o.betas.second}});
    detail::check_not_negative(op, {{"eps", o.eps}, {"weight_decay", o.weight_decay}});
}

template <class O> std::vector<const char*> adam_states(const O& o) {
    if (o.amsgrad) return {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"};
    return {"exp_avg", "exp_avg_sq"};
}

template <class O> functor::AdamMoments moments(const O& o, double lr, bool decoupled) {
    return {.lr = lr,
            .beta1 = o.betas.first,
            .beta2 = o.betas.second,
            .eps = o.eps,
            .weight_decay = o.weight_decay,
            .decoupled = decoupled,
            .maximize = o.maximize};
}

double correction(double beta, std::int64_t step) { return 1 - std::pow(beta, static_cast<double>(step)); }

template <class O> UpdateOp adam_step(const O& o, double lr, bool decoupled, std::int64_t step) {
    const functor::AdamStep adam{.moments = moments(o, lr, decoupled),
                                 .correction1 = correction(o.betas.first, step),
                                 .correction2_root = std::sqrt(correction(o.betas.second, step))};
    if (o.amsgrad) return functor::AmsgradStep{adam};
    return adam;
}

double nadam_momentum(const NAdamOptions& o, std::int64_t step) {
    return o.betas.first * (1 - 0.5 * std::pow(0.96, static_cast<double>(step) * o.momentum_decay));
}

}  // namespace

Adam::Adam(const std::vector<Group>& groups) : OptimizerWith("Adam") {
    for (const Group& group : groups) {
        check_options("Adam", group.options);
        add(group, adam_states(group.options));
    }
}

UpdateOp Adam::update(std::size_t group, double lr, std::int64_t step) const {
    return adam_step(options(group), lr, false, step);
}

AdamW::AdamW(const std::vector<Group>& groups) : OptimizerWith("AdamW") {
    for (const Group& group : groups) {
        check_options("AdamW", group.options);
        add(group, adam_states(group.options));
    }
}

UpdateOp AdamW::update(std::size_t group, double lr, std::int64_t step) const {
    return adam_step(options(group), lr, true, step);
}

Adamax::Adamax(const std::vector<Group>& groups) : OptimizerWith("Adamax") {
    for (const Group& group : groups) {
        check_options("Adamax", group.options);
        add(group, {"exp_avg", "exp_inf"});
    }
}

UpdateOp Adamax::update(std::size_t group, double lr, std::int64_t step) const {
    const AdamaxOptions& o = options(group);
    return functor::AdamaxStep{.moments = moments(o, lr, false),
                               .correction1 = correction(o.betas.first, step)};
}

NAdam::NAdam(const std::vector<Group>& groups) : OptimizerWith("NAdam") {
    for (const Group& group : groups) {
        check_options("NAdam", group.options);
        detail::check_not_negative("NAdam", {{"momentum_decay", group.options.momentum_decay}});
        add(group, {"exp_avg", "exp_avg_sq"});
    }
    products_.resize(groups.size());
}

double NAdam::momentum_product(std::size_t group, std::int64_t step) const {
    std::vector<double>& products = products_[group];
    if (products.empty()) products.push_back(1);
    const auto wanted = static_cast<std::size_t>(step);
    while (products.size() <= wanted && products.back() > 0x1p-60)
        products.push_back(products.back() *
                           nadam_momentum(options(group), static_cast<std::int64_t>(products.size())));
    return wanted < products.size() ? products[wanted] : 0;
}

UpdateOp NAdam::update(std::size_t group, double lr, std::int64_t step) const {
    const NAdamOptions& o = options(group);
    const double product = momentum_product(group, step);
    const double now = nadam_momentum(o, step), next = nadam_momentum(o, step + 1);
    return functor::NAdamStep{.moments = moments(o, lr, o.decoupled_weight_decay),
                              .correction2 = correction(o.betas.second, step),
                              .now = (1 - now) / (1 - product),
                              .ahead = next / (1 - product * next)};
}

RAdam::RAdam(const std::vector<Group>& groups) : OptimizerWith("RAdam") {
    for (const Group& group : groups) {
        check_options("RAdam", group.options);
        add(group, {"exp_avg", "exp_avg_sq"});
    }
}

UpdateOp RAdam::update(std::size_t group, double lr, std::int64_t step) const {
    const RAdamOptions& o = options(group);
    const double beta2 = o.betas.second, correction2 = correction(beta2, step);
    const double limit = 2 / (1 - beta2) - 1;
    const double length =
        limit - 2 * static_cast<double>(step) * std::pow(beta2, static_cast<double>(step)) / correction2;
    const bool adaptive = length > 5;
    const double rectified =
        adaptive ? std::sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) : 0;
    return functor::RAdamStep{.moments = moments(o, lr, o.decoupled_weight_decay),
                              .correction1 = correction(o.betas.first, step),
                              .factor = rectified * std::sqrt(correction2),
                              .adaptive = adaptive};
}

}  // namespace adjoint::optim
