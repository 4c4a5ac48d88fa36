// Finite differences on dense copies beside the gradients of the tensors as given.
#include <adjoint/autograd/backward/gradcheck.h>

#include <cmath>
#include <cstring>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

bool takes_part(const Tensor& x) { return x.defined() && is_floating(x.dtype()); }

// The values of the floating outputs, one after the other.
Values flatten_outputs(const Tensors& outputs) {
    Values all;
    for (const Tensor& y : outputs) {
        if (!takes_part(y)) continue;
        const Values values = y.to_vector<double>();
        all.insert(all.end(), values.begin(), values.end());
    }
    return all;
}

// Numbers in [-1, 1) that are nowhere near each other's multiples, so that no error cancels; a linear
// congruence suffices and leaves the generator of the program alone.
Values weights(std::size_t count, int projection) {
    std::uint64_t state = 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(projection + 1);
    Values v(count);
    for (double& x : v) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x = static_cast<double>(state >> 11) * 0x1p-52 - 1;
    }
    return v;
}

double dot(const Values& a, const Values& b) {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
}

void check_inputs(const char* op, const Tensors& inputs) {
    bool any = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!takes_part(inputs[i])) continue;
        check<DTypeError>(
            inputs[i].dtype() == DType::f64,
            "{}: input {} has type {}, expected f64: a finite difference of anything narrower is mostly "
            "rounding; convert it with to(f64)",
            op, i, name(inputs[i].dtype()));
        any = any || inputs[i].requires_grad();
    }
    check<ValueError>(any, "{}: no input requires a gradient; mark one with set_requires_grad()", op);
}

// The same memory as a leaf of its own.
Tensor leaf(const Tensor& x) {
    if (!x.defined()) return x;
    Tensor own = x.detach();
    if (x.requires_grad()) own.set_requires_grad();
    return own;
}

class Checker {
  public:
    Checker(const TensorsFunction& f, const Tensors& inputs, const GradcheckOptions& options)
        : f_(f), inputs_(inputs), options_(options) {}

    GradcheckResult run() {
        const GradMode recording(true);
        Tensors leaves;
        for (const Tensor& x : inputs_) leaves.push_back(leaf(x));
        const Tensors outputs = f_(leaves);
        const Values values = flatten_outputs(outputs);
        if (const Values again = flatten_outputs(f_(leaves));
            again.size() != values.size() ||
            (!values.empty() &&
             std::memcmp(again.data(), values.data(), values.size() * sizeof(double)) != 0))
            return {false, "the function does not give the same bits twice"};

        for (int p = 0; p < options_.projections; ++p) projections_.push_back(weights(values.size(), p));
        for (const Values& v : projections_) {
            analytic_.push_back(project(outputs, leaves, v));
            if (!problem_.empty()) return {false, problem_};
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i)
            if (inputs_[i].defined() && inputs_[i].requires_grad() && !agrees(i)) return {false, problem_};
        return {};
    }

  private:
    // d(v . outputs) / d(leaves), one list of values per leaf (empty where no gradient is required).
    std::vector<Values> project(const Tensors& outputs, const Tensors& leaves, const Values& v) {
        Tensors wanted, reached;
        GradOptions options{
            .grad_outputs = {}, .retain_graph = true, .create_graph = false, .allow_unused = true};
        std::size_t at = 0;
        for (const Tensor& y : outputs) {
            if (!takes_part(y)) continue;
            const std::size_t end = at + static_cast<std::size_t>(y.numel());
            if (y.requires_grad()) {
                reached.push_back(y);
                const auto from = v.begin() + static_cast<std::ptrdiff_t>(at);
                const auto to = v.begin() + static_cast<std::ptrdiff_t>(end);
                options.grad_outputs.push_back(
                    tensor(Values(from, to), y.shape()).to(y.dtype()).to(y.device()));
            }
            at = end;
        }
        for (const Tensor& x : leaves)
            if (x.defined() && x.requires_grad()) wanted.push_back(x);
        const Tensors grads = reached.empty() ? Tensors(wanted.size()) : grad(reached, wanted, options);

        std::vector<Values> result(leaves.size());
        std::size_t next = 0;
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            if (!leaves[i].defined() || !leaves[i].requires_grad()) continue;
            const Tensor& g = grads[next++];
            if (!g.defined()) {
                result[i].assign(static_cast<std::size_t>(leaves[i].numel()), 0.0);
                continue;
            }
            if (!(g.shape() == leaves[i].shape()))
                problem_ = fmt::format("input {} has shape {}, its gradient {}", i,
                                       to_string(leaves[i].shape()), to_string(g.shape()));
            result[i] = g.to_vector<double>();
        }
        return result;
    }

    Values evaluate(std::size_t input, const Values& values) const {
        const NoGrad guard;
        Tensors dense;
        for (const Tensor& x : inputs_) dense.push_back(x.defined() ? x.detach() : x);
        dense[input] = tensor(values, inputs_[input].shape()).to(inputs_[input].device());
        return flatten_outputs(f_(dense));
    }

    bool agrees(std::size_t input) {
        Values values = inputs_[input].to_vector<double>();
        for (std::size_t e = 0; e < values.size(); ++e) {
            const double x = values[e];
            const double above = x + options_.eps, below = x - options_.eps;
            values[e] = above;
            const Values high = evaluate(input, values);
            values[e] = below;
            const Values low = evaluate(input, values);
            values[e] = x;
            for (std::size_t p = 0; p < projections_.size(); ++p) {
                Values difference(high.size());
                for (std::size_t k = 0; k < high.size(); ++k) difference[k] = high[k] - low[k];
                const double expected = dot(difference, projections_[p]) / (above - below);
                const double got = analytic_[p][input][e];
                if (std::abs(got - expected) <= options_.atol + options_.rtol * std::abs(expected)) continue;
                problem_ = fmt::format("input {} of shape {}, element {} (value {}): expected {}, got {}",
                                       input, to_string(inputs_[input].shape()), e, x, expected, got);
                return false;
            }
        }
        return true;
    }

    const TensorsFunction& f_;
    const Tensors& inputs_;
    const GradcheckOptions& options_;
    std::vector<Values> projections_;
    std::vector<std::vector<Values>> analytic_;
    std::string problem_;
};

TensorsFunction as_list(const TensorFunction& f) {
    return [&f](const Tensors& inputs) { return Tensors{f(inputs)}; };
}

}  // namespace

GradcheckResult gradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
    check_inputs("gradcheck", inputs);
    return Checker(f, inputs, options).run();
}

GradcheckResult gradgradcheck(const TensorsFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
    check_inputs("gradgradcheck", inputs);
    // The incoming gradients stand behind the inputs and are differentiated by as well.
    Tensors points = inputs;
    std::vector<bool> used;
    for (const Tensor& y : f(inputs)) {
        used.push_back(takes_part(y) && y.requires_grad());
        if (!used.back()) continue;
        const Values v = weights(static_cast<std::size_t>(y.numel()), 100 + static_cast<int>(used.size()));
        points.push_back(tensor(v, y.shape()).to(y.device()).set_requires_grad());
    }
    const TensorsFunction gradient = [&](const Tensors& arguments) {
        const GradMode recording(true);
        bool recorded = false;
        Tensors leaves(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(inputs.size())),
            wanted;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!inputs[i].defined() || !inputs[i].requires_grad()) continue;
            recorded = recorded || leaves[i].requires_grad();
            if (!leaves[i].requires_grad()) leaves[i] = leaves[i].detach().set_requires_grad();
            wanted.push_back(leaves[i]);
        }
        const Tensors outputs = f(leaves);
        GradOptions call{
            .grad_outputs = {}, .retain_graph = false, .create_graph = recorded, .allow_unused = true};
        call.grad_outputs.assign(arguments.begin() + static_cast<std::ptrdiff_t>(inputs.size()),
                                 arguments.end());
        Tensors reached;
        for (std::size_t i = 0; i < outputs.size(); ++i)
            if (used[i]) reached.push_back(outputs[i]);
        Tensors grads = reached.empty() ? Tensors(wanted.size()) : grad(reached, wanted, call);
        for (std::size_t i = 0; i < grads.size(); ++i)
            if (!grads[i].defined()) grads[i] = zeros_like(wanted[i]);
        return grads;
    };
    return Checker(gradient, points, options).run();
}

GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
    return gradcheck(as_list(f), inputs, options);
}

GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
    return gradgradcheck(as_list(f), inputs, options);
}

}  // namespace adjoint
