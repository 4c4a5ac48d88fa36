// From a function and its inputs to a model: some runs, then the calls one by one.
#include <adjoint/onnx/export/export.h>

#include <algorithm>
#include <set>

#include <adjoint/core/base/format.h>
#include <adjoint/core/base/version.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/onnx/export/call.h>
#include <adjoint/onnx/export/fold.h>
#include <adjoint/onnx/export/runs.h>

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

void write_calls(Builder& builder, const TracedRuns& runs) {
    const std::vector<bool> needed = needed_calls(runs[0]);
    for (std::size_t i = 0; i < needed.size(); ++i) {
        const TracedCall& call = runs[0].calls[i];
        if (!needed[i]) continue;
        const bool made_later = std::all_of(call.outputs.begin(), call.outputs.end(), [&](int value) {
            return value < 0 || builder.is_static(value) || builder.is_pattern(value);
        });
        if (made_later) continue;  // a constant, where something takes it
        builder.begin(call);
        const Mapping* const how = mapping(call.name);
        if (how == nullptr) builder.refuse("has no form in ONNX");
        std::vector<const TracedCall*> as_run;
        for (const TracedRun& run : runs) as_run.push_back(&run.calls[i]);
        Call view(builder, std::move(as_run));
        how->write(view);
    }
}

// What the host does with elements nobody hears of.
void warn_of_reads(const Builder& builder, const TracedRun& run) {
    std::set<std::string> layers;
    for (const TracedRead& read : run.reads)
        if (read.value < 0 || !(builder.is_static(read.value) || builder.is_pattern(read.value)))
            layers.insert(read.layer.empty() ? "the inputs" : "layer " + read.layer);
    if (layers.empty()) return;
    const std::string message = fmt::format(
        "onnx: near {} the model reads elements on the host (item(), to_vector(), data()); a branch or "
        "loop that depends on them is written as it was with the inputs given",
        fmt::join(layers, ", "));
    warn_once(message, message);
}

void check_names(const char* what, const std::vector<std::string>& names, std::set<std::string>& taken) {
    for (const std::string& name : names) {
        check<ValueError>(!name.empty(), "onnx: the name of an {} is empty", what);
        check<ValueError>(taken.insert(name).second, "onnx: {} is the name of an {} and of another value",
                          name, what);
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
    const nn::NamedTensors named = options.module != nullptr ? options.module->state() : nn::NamedTensors{};
    std::set<std::string> names;
    for (const auto& [name, tensor] : named) names.insert(name);
    check_names("input", input_names, names);
    const NoGrad guard;
    const nn::EvaluationMode mode;
    Runs runs(function, given, input_names, named, options);
    if (options.fold_batch_norm) fold_batch_norm(runs.traced);
    const std::vector<int>& outputs = runs.traced[0].outputs;
    const std::vector<std::string> output_names =
        given_names("outputs", options.names.outputs, "y", outputs.size());
    check_names("output", output_names, names);

    Builder builder(runs.traced, runs.symbols, options);
    for (const std::string& name : output_names) builder.take(name);
    write_calls(builder, runs.traced);
    warn_of_reads(builder, runs.traced[0]);
    Model model;
    model.ir_version = ir_version(options.opset);
    model.operator_sets = {{.domain = "", .version = options.opset}};
    model.producer_name = "adjoint";
    model.producer_version = adjoint::version;
    model.graph = builder.finish(outputs, input_names, output_names, given.size());
    model.metadata = options.metadata;
    runs.check_file(model);
    return model;
}

}  // namespace adjoint::onnx
