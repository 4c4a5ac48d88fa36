// Inputs of other sizes, made of those given.
#include <adjoint/onnx/export/runs.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/network.h>

namespace adjoint::onnx::exporting {
namespace {

constexpr double shrunk = 0.9375;

// x with `size` places along an axis; those that are added repeat what is there, smaller each time.
Tensor resized(const Tensor& x, int axis, std::int64_t size) {
    const std::int64_t before = x.shape()[axis];
    if (size == before) return x;
    std::vector<std::int64_t> places;
    std::vector<double> factors;
    for (std::int64_t i = 0; i < size; ++i) {
        places.push_back(i % before);
        factors.push_back(std::pow(shrunk, static_cast<double>(i / before)));
    }
    const Tensor y = index_select(x, axis, tensor(places, {size}).to(x.device()));
    if (!is_floating(x.dtype())) return y;
    Shape aligned = Shape::filled(x.dim(), 1);
    aligned[axis] = size;
    return y * tensor(factors, aligned, {.dtype = x.dtype()}).to(x.device());
}

// Other elements of the same kind: no index leaves its range, no probability becomes larger than 1.
Tensor other_values(const Tensor& x) {
    const Tensor turned = x.numel() == 0 || x.dim() == 0 ? x : reshape(flip(flatten(x), {0}), x.shape());
    return is_floating(x.dtype()) ? turned * shrunk : turned;
}

double bytes_of(const TracedRun& run) {
    double bytes = 0;
    for (const TracedValue& value : run.values)
        if (value.origin == Origin::result)
            bytes += static_cast<double>(value.tensor.numel()) *
                     static_cast<double>(size_of(value.tensor.dtype()));
    return bytes;
}

// How far two computations of one thing may be apart, where the largest number is 1: what is compared is
// whether they are one thing, not how they round.
double tolerance_of(const TracedRun& run) {
    constexpr double usual = 1e-3, of_16_bits = 0.1;
    const bool narrow = std::ranges::any_of(run.values, [](const TracedValue& value) {
        return is_floating(value.tensor.dtype()) && size_of(value.tensor.dtype()) == 2;
    });
    return narrow ? of_16_bits : usual;
}

void check_alike(const Tensor& file, const Tensor& model, double tolerance, std::size_t output,
                 const std::string& circumstances) {
    const auto refuse_unless = [&](bool ok, const std::string& here, const std::string& there) {
        check<ValueError>(
            ok,
            "onnx: {}, output {} of the file would be {}, that of the model is {}: it depends on the "
            "sizes or data in a way that was not heard, or an operator of ONNX takes such elements "
            "otherwise",
            circumstances, output, here, there);
    };
    const auto type = [](const Tensor& x) { return fmt::format("{} {}", name(x.dtype()), x.shape()); };
    refuse_unless(type(file) == type(model), type(file), type(model));
    if (file.numel() == 0) return;
    const Tensor a = file.detach().to(Device::cpu()), b = model.detach().to(Device::cpu());
    const Tensor x = a.to(DType::f64), y = b.to(DType::f64);
    const double largest = amax(where(isfinite(y), abs(y), zeros_like(y))).item();
    refuse_unless(
        is_floating(a.dtype()) ? allclose(x, y, 0, tolerance * std::max(1.0, largest), true) : equal(a, b),
        fmt::format("up to {} beside it", amax(abs(x - y)).item()), fmt::format("at most {}", largest));
}

}  // namespace

Runs::Runs(const ListFunction& function, const std::vector<Tensor>& given,
           const std::vector<std::string>& names, const nn::NamedTensors& named, const ExportOptions& options)
    : function_(function), given_(given), names_(names), named_(named), options_(options) {
    find_symbols();
    const AxisSizes first = first_sizes();
    add(inputs_of(first), first, symbols.empty() ? "with the inputs given" : circumstances(first));
    AxisSizes others = first;
    if (!options.other_inputs.empty()) {
        others = sizes_of_others();
        std::vector<Tensor> inputs;
        for (const Tensor& x : options.other_inputs) inputs.push_back(x.detach().clone());
        add(inputs, others, "with other_inputs");
    } else {
        // Steps that are primes, so that a formula of one size does not fit another.
        constexpr std::int64_t primes[] = {1, 2, 3, 5, 7, 11, 13};
        for (std::size_t i = 0; i < others.size(); ++i) others[i] += primes[others.size() - 1 - i];
        std::vector<Tensor> inputs = inputs_of(others);
        for (Tensor& x : inputs) x = other_values(x).clone();
        add(inputs, others, symbols.empty() ? "with other inputs" : circumstances(others));
    }
    for (std::size_t i = 0; i < symbols.size(); ++i) add_larger(i);
}

void Runs::find_symbols() {
    constexpr std::size_t most = 7;
    std::map<std::string, std::int64_t> given;
    for (const auto& [input, axes] : options_.dynamic_axes) {
        const auto found = std::ranges::find(names_, input);
        check<ValueError>(found != names_.end(), "onnx: dynamic axes of {}, which is no input; there are {}",
                          input, fmt::join(names_, ", "));
        const Tensor& x = given_[static_cast<std::size_t>(found - names_.begin())];
        for (const auto& [axis, name] : axes) {
            check<ValueError>(axis >= 0 && axis < x.dim() && x.shape()[axis] > 0,
                              "onnx: axis {} of input {} of shape {} cannot be dynamic", axis, input,
                              x.shape());
            check<ValueError>(!name.empty(), "onnx: axis {} of input {} has no name", axis, input);
            const auto [before, is_new] = given.try_emplace(name, x.shape()[axis]);
            check<ValueError>(before->second == x.shape()[axis], "onnx: the dynamic size {} is {} and {}",
                              name, before->second, x.shape()[axis]);
            // Of size 1 an axis broadcasts, which others do not.
            if (is_new) symbols.push_back({name, input, axis, {{std::max<std::int64_t>(before->second, 2)}}});
        }
    }
    check<ValueError>(symbols.size() <= most, "onnx: {} dynamic sizes, at most {} are possible",
                      symbols.size(), most);
}

std::string Runs::circumstances(const AxisSizes& sizes) const {
    std::string text;
    for (std::size_t i = 0; i < sizes.size(); ++i)
        text += fmt::format("{}{} = {}", i == 0 ? "with " : ", ", symbols[i].name, sizes[i]);
    return text;
}

Runs::AxisSizes Runs::first_sizes() const {
    AxisSizes sizes;
    for (const Symbol& symbol : symbols) sizes.push_back(symbol.size.first());
    return sizes;
}

std::vector<Tensor> Runs::inputs_of(const AxisSizes& sizes) const {
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < given_.size(); ++i) {
        Tensor x = given_[i].detach();
        if (const auto axes = options_.dynamic_axes.find(names_[i]); axes != options_.dynamic_axes.end())
            for (const auto& [axis, name] : axes->second)
                x = resized(x, axis,
                            sizes[static_cast<std::size_t>(std::ranges::find(symbols, name, &Symbol::name) -
                                                           symbols.begin())]);
        // A handle of its own: one tensor may be two inputs, and what the model does to it stays here.
        inputs.push_back(x.clone());
    }
    return inputs;
}

Runs::AxisSizes Runs::sizes_of_others() const {
    const std::vector<Tensor>& others = options_.other_inputs;
    check<ValueError>(others.size() == given_.size(), "onnx: {} other_inputs, expected {}", others.size(),
                      given_.size());
    AxisSizes sizes(symbols.size(), -1);
    bool new_values = false;
    for (std::size_t i = 0; i < others.size(); ++i) {
        const Tensor &x = given_[i], &y = others[i];
        check<ValueError>(y.defined() && y.dtype() == x.dtype() && y.dim() == x.dim(),
                          "onnx: other_inputs of {} are not of its type or number of dimensions", names_[i]);
        const auto axes = options_.dynamic_axes.find(names_[i]);
        for (int d = 0; d < x.dim(); ++d) {
            const bool dynamic = axes != options_.dynamic_axes.end() && axes->second.contains(d);
            check<ValueError>(
                dynamic || y.shape()[d] == x.shape()[d],
                "onnx: other_inputs of {} have the shape {}, those given {}; axis {} is not dynamic",
                names_[i], y.shape(), x.shape(), d);
            if (!dynamic) continue;
            const std::string& name = axes->second.at(d);
            const auto symbol = std::ranges::find(symbols, name, &Symbol::name);
            std::int64_t& size = sizes[static_cast<std::size_t>(symbol - symbols.begin())];
            check<ValueError>(size < 0 || size == y.shape()[d],
                              "onnx: the dynamic size {} is {} and {} in other_inputs", name, size,
                              y.shape()[d]);
            size = y.shape()[d];
            check<ValueError>(
                size != symbol->size.first(),
                "onnx: the dynamic size {} is {} in the first run and in other_inputs, which shows "
                "nothing; give another size",
                name, size);
        }
        new_values = new_values || x.shape() != y.shape() || !equal(x, y);
    }
    check<ValueError>(new_values, "onnx: other_inputs are the inputs once more, which shows nothing");
    return sizes;
}

bool Runs::add(const std::vector<Tensor>& inputs, const AxisSizes& sizes, const std::string& circumstances,
               bool may_fail) {
    bool model_failed = false;
    const ListFunction watched = [&](const std::vector<Tensor>& in) {
        try {
            return function_(in);
        } catch (...) {
            model_failed = true;
            throw;
        }
    };
    try {
        traced.push_back(trace(watched, inputs, names_, named_));
    } catch (Error& error) {
        if (model_failed && may_fail) return false;
        if (model_failed && !symbols.empty())
            error.lead(("onnx: the model does not run " + circumstances).c_str());
        throw;
    } catch (const std::exception&) {
        if (model_failed && may_fail) return false;
        throw;
    }
    traced.back().circumstances = circumstances;
    if (traced.size() > 1) {
        for (std::size_t i = 0; i < sizes.size(); ++i) symbols[i].size.runs.push_back(sizes[i]);
        check_same_calls(traced[0], traced.back());
    }
    return true;
}

void Runs::add_larger(std::size_t symbol) {
    constexpr double most_bytes = 0x1p28;
    constexpr std::int64_t far = 101;  // a prime above what is usual as a bound or a period
    const std::int64_t n = symbols[symbol].size.first();
    std::vector<std::int64_t> candidates{far, 4 * n + 3, 2 * n + 1, 2 * n, n + 2};
    std::erase_if(candidates, [&](std::int64_t size) { return size < n + 2; });
    std::ranges::sort(candidates, std::greater<>());
    const double bytes = bytes_of(traced[0]) / static_cast<double>(n);
    for (const std::int64_t size : candidates) {
        if (size > 2 * n && bytes * static_cast<double>(size) > most_bytes) continue;
        AxisSizes sizes = first_sizes();
        sizes[symbol] = size;
        constexpr bool may_fail = true;  // not all models run with all sizes
        if (add(inputs_of(sizes), sizes, circumstances(sizes), may_fail)) return;
    }
}

void Runs::check_file(const Model& model) const {
    const Network network(model);
    network.to(given_[0].device());
    const double tolerance = tolerance_of(traced[0]);
    const auto compare = [&](const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected,
                             const std::string& circumstances) {
        std::vector<Tensor> results;
        try {
            results = network(inputs);
        } catch (Error& error) {
            error.lead(("onnx: the file would not run " + circumstances).c_str());
            throw;
        }
        for (std::size_t i = 0; i < expected.size(); ++i)
            check_alike(results[i], expected[i], tolerance, i, circumstances);
    };
    for (const TracedRun& run : traced) {
        std::vector<Tensor> inputs;
        for (std::size_t i = 0; i < given_.size(); ++i) inputs.push_back(run.values[i].tensor);
        compare(inputs, run.output_tensors(), run.circumstances);
    }
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        AxisSizes sizes = first_sizes();
        sizes[i] = 1;
        std::vector<Tensor> expected;
        try {
            expected = function_(inputs_of(sizes));
        } catch (const std::exception&) {
            continue;
        }
        compare(inputs_of(sizes), expected, circumstances(sizes));
    }
}

}  // namespace adjoint::onnx::exporting
