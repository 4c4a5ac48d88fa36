// LBFGS: the two-loop recursion and the rules for stopping; order and tolerances are PyTorch's.
#include <adjoint/optim/lbfgs.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/line_search.h>
#include <adjoint/optim/option_checks.h>
#include <adjoint/optim/state_reader.h>

namespace adjoint::optim {
namespace {

double product(const Tensor& a, const Tensor& b) { return dot(a, b).item<double>(); }

double largest(const Tensor& x) { return x.numel() == 0 ? 0 : amax(abs(x)).item<double>(); }

void check_lr(double lr) {
    check<ValueError>(std::isfinite(lr) && lr >= 0,
                      "LBFGS: learning rate {}, expected a finite number, 0 or more", lr);
}

std::int64_t elements(const std::vector<Tensor>& parameters) {
    std::int64_t count = 0;
    for (const Tensor& parameter : parameters) count += parameter.numel();
    return count;
}

}  // namespace

LBFGS::LBFGS(const std::vector<Tensor>& parameters, const LBFGSOptions& options)
    : parameters_(parameters), options_(options) {
    check_lr(options.lr);
    check<ValueError>(options.max_iter > 0 && options.history_size > 0,
                      "LBFGS: max_iter {}, history_size {}: both must be positive", options.max_iter,
                      options.history_size);
    detail::check_not_negative("LBFGS", {{"tolerance_grad", options.tolerance_grad},
                                         {"tolerance_change", options.tolerance_change}});
    check<ValueError>(!parameters_.empty(), "LBFGS: no parameters");
    for (const Tensor& parameter : parameters_) {
        check<DTypeError>(parameter.dtype() == f32 || parameter.dtype() == f64,
                          "LBFGS: parameters are f32 or f64, not {}", name(parameter.dtype()));
        check<ValueError>(
            parameter.dtype() == parameters_[0].dtype() && parameter.device() == parameters_[0].device(),
            "LBFGS: parameters of one type on one device are needed");
        const auto same = [&](const Tensor& other) { return other.is_same(parameter); };
        check<ValueError>(std::count_if(parameters_.begin(), parameters_.end(), same) == 1,
                          "LBFGS: a parameter of shape {} is given twice", parameter.shape());
    }
}

void LBFGS::set_lr(double lr) {
    check_lr(lr);
    options_.lr = lr;
}

void LBFGS::zero_grad() const {
    for (const Tensor& parameter : parameters_) parameter.set_grad({});
}

double LBFGS::evaluate(const std::function<Tensor()>& closure, Tensor* loss) {
    const GradMode recording(true);
    const Tensor value = closure();
    ++memory_.evaluations;
    if (loss != nullptr) *loss = value;
    return value.item<double>();
}

Tensor LBFGS::flat_gradient() const {
    std::vector<Tensor> parts;
    for (const Tensor& parameter : parameters_) {
        const Tensor gradient = parameter.grad();
        parts.push_back(gradient.defined() ? reshape(gradient.detach(), {parameter.numel()})
                                           : zeros({parameter.numel()}, {.dtype = parameter.dtype(),
                                                                         .device = parameter.device()}));
    }
    return cat(parts);
}

void LBFGS::move(double t, const Tensor& direction) const {
    std::int64_t start = 0;
    for (const Tensor& parameter : parameters_) {
        if (parameter.grad().defined())
            parameter.detach() +=
                reshape(narrow(direction, 0, start, parameter.numel()), parameter.shape()) * t;
        start += parameter.numel();
    }
}

void LBFGS::update_direction(const Tensor& gradient) {
    Memory& m = memory_;
    if (m.iterations == 1) {
        m.direction = -gradient;
        return;
    }
    const Tensor y = gradient - m.gradient, s = m.direction * m.t;
    const double ys = product(y, s);
    if (ys > 1e-10) {
        if (m.y.size() == static_cast<std::size_t>(options_.history_size)) {
            m.y.erase(m.y.begin());
            m.s.erase(m.s.begin());
            m.ro.erase(m.ro.begin());
        }
        m.y.push_back(y);
        m.s.push_back(s);
        m.ro.push_back(1 / ys);
        m.scale = ys / product(y, y);
    }
    std::vector<double> alpha(m.y.size());
    const Tensor q = -gradient;
    for (std::size_t i = m.y.size(); i-- > 0;) {
        alpha[i] = product(m.s[i], q) * m.ro[i];
        q -= m.y[i] * alpha[i];
    }
    m.direction = q * m.scale;
    for (std::size_t i = 0; i < m.y.size(); ++i) {
        const double beta = product(m.y[i], m.direction) * m.ro[i];
        m.direction += m.s[i] * (alpha[i] - beta);
    }
}

Tensor LBFGS::step(const std::function<Tensor()>& closure) {
    const NoGrad guard;
    Memory& m = memory_;
    const int most_evaluations = options_.max_eval.value_or(options_.max_iter * 5 / 4);
    Tensor first_loss;
    double loss = evaluate(closure, &first_loss);
    const std::int64_t evaluations_before = m.evaluations - 1;
    Tensor gradient = flat_gradient();
    if (largest(gradient) <= options_.tolerance_grad) return first_loss;

    for (int i = 1; i <= options_.max_iter; ++i) {
        ++m.iterations;
        update_direction(gradient);
        m.gradient = gradient;
        m.loss = loss;
        m.t = m.iterations == 1 ? std::min(1.0, 1 / sum(abs(gradient)).item<double>()) * options_.lr
                                : options_.lr;
        const double slope = product(gradient, m.direction);
        if (slope > -options_.tolerance_change) break;

        if (options_.line_search_fn == LineSearch::strong_wolfe) {
            std::vector<Tensor> origin;
            for (const Tensor& parameter : parameters_)
                origin.push_back(parameter.grad().defined() ? parameter.detach().clone() : Tensor());
            const auto restore = [&] {
                for (std::size_t k = 0; k < origin.size(); ++k)
                    if (origin[k].defined()) parameters_[k].detach().copy_(origin[k]);
            };
            const auto at = [&](double t) {
                move(t, m.direction);
                LinePoint point{.t = t, .value = evaluate(closure), .gradient = flat_gradient(), .slope = 0};
                point.slope = product(point.gradient, m.direction);
                restore();
                return point;
            };
            const LineSearchResult found =
                strong_wolfe(at, {.t = 0, .value = loss, .gradient = gradient, .slope = slope}, m.t,
                             largest(m.direction), options_.tolerance_change);
            m.t = found.point.t;
            loss = found.point.value;
            gradient = found.point.gradient;
            move(m.t, m.direction);
        } else {
            move(m.t, m.direction);
            if (i == options_.max_iter) break;
            loss = evaluate(closure);
            gradient = flat_gradient();
        }
        if (m.evaluations - evaluations_before >= most_evaluations ||
            largest(gradient) <= options_.tolerance_grad ||
            largest(m.direction) * std::abs(m.t) <= options_.tolerance_change ||
            std::abs(loss - m.loss) < options_.tolerance_change)
            break;
    }
    return first_loss;
}

NamedTensors LBFGS::state() const {
    const Memory& m = memory_;
    NamedTensors result{
        {"lr", Tensor(options_.lr)}, {"n_iter", Tensor(m.iterations)}, {"func_evals", Tensor(m.evaluations)}};
    if (m.iterations == 0) return result;
    result.emplace_back("d", m.direction);
    result.emplace_back("t", Tensor(m.t));
    result.emplace_back("H_diag", Tensor(m.scale));
    result.emplace_back("ro", tensor(m.ro, {static_cast<std::int64_t>(m.ro.size())}, Device::cpu()));
    result.emplace_back("prev_loss", Tensor(m.loss));
    result.emplace_back("prev_flat_grad", m.gradient);
    for (std::size_t i = 0; i < m.y.size(); ++i) {
        result.emplace_back(fmt::format("old_dirs.{}", i), m.y[i]);
        result.emplace_back(fmt::format("old_stps.{}", i), m.s[i]);
    }
    return result;
}

void LBFGS::load_state(const NamedTensors& state) {
    const NoGrad guard;
    detail::StateReader reader("LBFGS", state);
    const DType dtype = parameters_[0].dtype();
    const Device device = parameters_[0].device();
    const Shape flat{elements(parameters_)};
    const auto vector = [&](const std::string& key) {
        return reader.take(key, flat, dtype).detach().to(device).clone();
    };
    Memory m;
    const double lr = reader.number("lr");
    check_lr(lr);
    m.iterations = reader.count("n_iter");
    m.evaluations = reader.count("func_evals");
    if (m.iterations > 0) {
        m.direction = vector("d");
        m.t = reader.number("t");
        m.scale = reader.number("H_diag");
        m.loss = reader.number("prev_loss");
        m.gradient = vector("prev_flat_grad");
        while (reader.has(fmt::format("old_dirs.{}", m.y.size()))) {
            const std::size_t i = m.y.size();
            m.y.push_back(vector(fmt::format("old_dirs.{}", i)));
            m.s.push_back(vector(fmt::format("old_stps.{}", i)));
        }
        m.ro = reader.take("ro", {static_cast<std::int64_t>(m.y.size())}, f64).to_vector<double>();
    }
    reader.finish();
    options_.lr = lr;
    memory_ = std::move(m);
}

}  // namespace adjoint::optim
