// From a function and its inputs to a model: two runs, then the calls one by one.
#include <adjoint/onnx/export/export.h>

#include <algorithm>
#include <set>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/version.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/export/call.h>
#include <adjoint/onnx/export/fold.h>

namespace adjoint::onnx {

void detail::throw_input_count(std::size_t given) {
    fail<ValueError>("onnx: the model cannot be called with {} tensors; export a function that calls it",
                     given);
}

namespace exporting {
namespace {

constexpr std::int64_t oldest_opset = 13, newest_opset = 23;

// What readers of a set of operators are sure to know.
std::int64_t ir_version(std::int64_t opset) {
    constexpr std::int64_t in_8 = 18, in_9 = 20, in_10 = 22;
    return opset <= in_8 ? 8 : opset <= in_9 ? 9 : opset <= in_10 ? 10 : 11;
}

std::vector<std::string> numbered(const char* name, std::size_t count) {
    if (count == 1) return {name};
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("{}_{}", name, i));
    return names;
}

std::vector<std::string> given_names(const char* what, const std::vector<std::string>& given,
                                     const char* usual, std::size_t count) {
    check<ValueError>(given.empty() || given.size() == count, "onnx: {} names for {} {}", given.size(), count,
                      what);
    return given.empty() ? numbered(usual, count) : given;
}

// The dynamic axes of all inputs, with the sizes of the first run.
std::vector<Symbol> symbols_of(const std::vector<Tensor>& inputs, const std::vector<std::string>& names,
                               const ExportOptions& options) {
    std::vector<Symbol> symbols;
    for (const auto& [input, axes] : options.dynamic_axes) {
        const auto found = std::find(names.begin(), names.end(), input);
        check<ValueError>(found != names.end(), "onnx: dynamic axes of {}, which is no input; there are {}",
                          input, fmt::join(names, ", "));
        const Tensor& x = inputs[static_cast<std::size_t>(found - names.begin())];
        for (const auto& [axis, name] : axes) {
            check<ValueError>(axis >= 0 && axis < x.dim() && x.shape()[axis] > 0,
                              "onnx: axis {} of input {} of shape {} cannot be dynamic", axis, input,
                              x.shape());
            const auto same = std::ranges::find(symbols, name, &Symbol::name);
            if (same == symbols.end())
                symbols.push_back({name, input, axis, x.shape()[axis], 0});
            else
                check<ValueError>(same->first == x.shape()[axis], "onnx: the dynamic size {} is {} and {}",
                                  name, same->first, x.shape()[axis]);
        }
    }
    // Of size 1 an axis broadcasts, which others do not. The steps are primes, so that a formula of one size
    // does not fit another; the first axis, as a rule the batch, can grow the most.
    constexpr std::int64_t primes[] = {1, 2, 3, 5, 7, 11, 13, 17};
    check<ValueError>(symbols.size() < std::size(primes), "onnx: {} dynamic sizes, at most {} are possible",
                      symbols.size(), std::size(primes) - 1);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        symbols[i].first = std::max<std::int64_t>(symbols[i].first, 2);
        symbols[i].second = symbols[i].first + primes[symbols.size() - i - (symbols.size() == 1 ? 1 : 0)];
    }
    return symbols;
}

// x with other sizes for its dynamic axes; what is added repeats what is there.
Tensor resized(Tensor x, const std::string& name, const ExportOptions& options,
               const std::vector<Symbol>& symbols, std::int64_t Symbol::*size) {
    const auto axes = options.dynamic_axes.find(name);
    if (axes == options.dynamic_axes.end()) return x;
    for (const auto& [axis, symbol_name] : axes->second) {
        const auto symbol = std::ranges::find(symbols, symbol_name, &Symbol::name);
        const std::int64_t before = x.shape()[axis], after = (*symbol).*size;
        if (before == after) continue;
        std::vector<std::int64_t> places;
        for (std::int64_t i = 0; i < after; ++i) places.push_back(i % before);
        x = index_select(x, axis, tensor(places, {after}).to(x.device()));
    }
    return x;
}

// Other elements of the same kind: no index leaves its range, no probability becomes larger than 1.
Tensor other_values(const Tensor& x) {
    if (x.numel() == 0 || x.dim() == 0) return is_floating(x.dtype()) ? x * 0.9375 : x;
    const Tensor turned = reshape(flip(flatten(x), {0}), x.shape());
    return is_floating(x.dtype()) ? turned * 0.9375 : turned;
}

/// In evaluation mode while it lives.
class Evaluation {
  public:
    explicit Evaluation(const nn::Module* module)
        : module_(module), before_(module && module->is_training()) {
        if (module_ != nullptr) module_->eval();
    }
    ~Evaluation() {
        if (module_ != nullptr) module_->train(before_);
    }
    Evaluation(const Evaluation&) = delete;
    Evaluation& operator=(const Evaluation&) = delete;

  private:
    const nn::Module* module_;
    bool before_;
};

// Which calls the outputs need.
std::vector<bool> needed_calls(const TracedRun& run) {
    std::vector<bool> values(run.values.size()), calls(run.calls.size());
    for (const int output : run.outputs) values[static_cast<std::size_t>(output)] = true;
    for (std::size_t i = run.calls.size(); i-- > 0;) {
        for (const int output : run.calls[i].outputs)
            if (output >= 0 && values[static_cast<std::size_t>(output)]) calls[i] = true;
        if (!calls[i]) continue;
        for (const int input : run.calls[i].inputs)
            if (input >= 0) values[static_cast<std::size_t>(input)] = true;
    }
    return calls;
}

void write_calls(Builder& builder, const TracedRun& a, const TracedRun& b) {
    const std::vector<bool> needed = needed_calls(a);
    for (std::size_t i = 0; i < a.calls.size(); ++i) {
        const TracedCall& call = a.calls[i];
        if (!needed[i]) continue;
        const bool made_later = std::all_of(call.outputs.begin(), call.outputs.end(), [&](int value) {
            return value < 0 || builder.is_static(value) || builder.is_pattern(value);
        });
        if (made_later) continue;  // a constant, where something takes it
        builder.begin(call);
        const Mapping* const how = mapping(call.name);
        if (how == nullptr) builder.refuse("has no form in ONNX");
        Call view(builder, call, b.calls[i]);
        how->write(view);
    }
}

}  // namespace
}  // namespace exporting

Model to_model(const ListFunction& function, const std::vector<Tensor>& given, const ExportOptions& options) {
    using namespace exporting;
    check<ValueError>(options.opset >= oldest_opset && options.opset <= newest_opset,
                      "onnx: opset {}, expected {} to {}", options.opset, oldest_opset, newest_opset);
    check<ValueError>(!given.empty(), "onnx: no inputs");
    for (const Tensor& x : given) check<ValueError>(x.defined(), "onnx: an input is undefined");
    const std::vector<std::string> input_names =
        given_names("inputs", options.names.inputs, "x", given.size());
    const NoGrad guard;
    const Evaluation evaluation(options.module);
    std::vector<Symbol> symbols = symbols_of(given, input_names, options);
    std::vector<Tensor> inputs, others;
    for (std::size_t i = 0; i < given.size(); ++i) {
        // Handles of their own: one tensor may be two inputs, and what the model does to it stays here.
        const Tensor x = resized(given[i].detach(), input_names[i], options, symbols, &Symbol::first).clone();
        inputs.push_back(x);
        if (options.other_inputs.empty())
            others.push_back(
                resized(other_values(x), input_names[i], options, symbols, &Symbol::second).clone());
    }
    for (const Tensor& x : options.other_inputs) others.push_back(x.detach().clone());
    check<ValueError>(others.size() == inputs.size(), "onnx: {} other inputs, expected {}", others.size(),
                      inputs.size());
    for (Symbol& symbol : symbols) {
        const auto i = static_cast<std::size_t>(
            std::find(input_names.begin(), input_names.end(), symbol.input) - input_names.begin());
        symbol.second = others[i].size(symbol.axis);
    }

    const nn::NamedTensors named = options.module != nullptr ? options.module->state() : nn::NamedTensors{};
    TracedRun a = trace(function, inputs, input_names, named);
    TracedRun b = trace(function, others, input_names, named);
    check_same_calls(a, b);
    if (options.fold_batch_norm) fold_batch_norm(a, b);

    const std::vector<std::string> output_names =
        given_names("outputs", options.names.outputs, "y", a.outputs.size());
    std::set<std::string> names(input_names.begin(), input_names.end());
    names.insert(output_names.begin(), output_names.end());
    for (const auto& [name, tensor] : named)
        check<ValueError>(!names.contains(name),
                          "onnx: {} is the name of a parameter and of an input or output", name);
    check<ValueError>(names.size() == input_names.size() + output_names.size(),
                      "onnx: two inputs or outputs have one name");
    Builder builder(a, b, symbols, options);
    for (const std::string& name : output_names) builder.take(name);
    write_calls(builder, a, b);

    Model model;
    model.ir_version = ir_version(options.opset);
    model.operator_sets = {{.domain = "", .version = options.opset}};
    model.producer_name = "adjoint";
    model.producer_version = adjoint::version;
    model.graph = builder.finish(a.outputs, input_names, output_names, inputs.size());
    model.metadata = options.metadata;
    return model;
}

}  // namespace adjoint::onnx
