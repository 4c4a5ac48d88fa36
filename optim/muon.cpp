// Muon: the Newton-Schulz iteration by matrix products, in the type of the parameter.
#include <adjoint/optim/muon.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/optim/option_checks.h>

namespace adjoint::optim {
namespace {

Tensor nearly_orthogonal(const Tensor& matrix, const MuonOptions& o) {
    const bool tall = matrix.size(0) > matrix.size(1);
    Tensor x = tall ? t(matrix) : matrix;
    x = x / clamp(norm(x), o.eps);
    const auto [a, b, c] = o.ns_coefficients;
    for (int i = 0; i < o.ns_steps; ++i) {
        const Tensor gram = matmul(x, t(x));
        x = a * x + matmul(b * gram + c * matmul(gram, gram), x);
    }
    return tall ? t(x) : x;
}

double adjustment(const Tensor& matrix, MuonRate rate) {
    const auto n = static_cast<double>(matrix.size(0)), m = static_cast<double>(matrix.size(1));
    return rate == MuonRate::original ? std::sqrt(std::max(1.0, n / m)) : 0.2 * std::sqrt(std::max(n, m));
}

}  // namespace

Muon::Muon(const std::vector<Group>& groups) : OptimizerWith("Muon") {
    for (const Group& group : groups) {
        const MuonOptions& o = group.options;
        detail::check_shares("Muon", {{"momentum", o.momentum}});
        detail::check_not_negative("Muon", {{"weight_decay", o.weight_decay}, {"eps", o.eps}});
        check<ValueError>(o.ns_steps >= 0 && o.ns_steps < 100, "Muon: ns_steps {}", o.ns_steps);
        for (const Tensor& parameter : group.parameters)
            check<ShapeError>(parameter.dim() == 2,
                              "Muon: a parameter of shape {} is no matrix; give it to another optimizer",
                              parameter.shape());
        add(group, {"momentum_buffer"});
    }
}

Tensor Muon::direction(std::size_t group, Tensor gradient, const std::vector<Tensor>& states) const {
    const MuonOptions& o = options(group);
    const Tensor& buffer = states[0];
    buffer += (gradient - buffer) * (1 - o.momentum);
    const Tensor mixed = o.nesterov ? gradient + (buffer - gradient) * o.momentum : buffer;
    if (mixed.numel() == 0) return gradient;
    return (nearly_orthogonal(mixed, o) * adjustment(mixed, o.adjust_lr_fn)).contiguous();
}

UpdateOp Muon::update(std::size_t group, double lr, std::int64_t) const {
    return functor::DirectionStep{.lr = lr, .weight_decay = options(group).weight_decay};
}

}  // namespace adjoint::optim
