// Running the steps of a graph.
#include <adjoint/onnx/import/program.h>

#include <optional>

#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/onnx/import/helpers.h>

namespace adjoint::onnx {

namespace {

// Elements of a tensor that somebody may read on the host, and shapes that are remembered.
constexpr std::int64_t most_on_host = 4096;
constexpr std::size_t most_learnt = 32;
// What they may have in known values together, but for the newest.
constexpr std::int64_t most_learnt_bytes = std::int64_t{1} << 30;

/// The first argument that the run has given, not the model.
const Tensor& first_read(const Step& step, const Values& arguments) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i)
        if (step.inputs[i].kind == Source::run) return arguments[i].tensor;
    return arguments.at(0).tensor;
}

/// A result takes the narrower type of the first input where it is stored alike.
void name_types(Values& results, std::span<const Value> inputs) {
    for (Value& value : results) {
        if (value.type != ElementType::undefined || !value.tensor.defined()) continue;
        const DType stored = value.tensor.dtype();
        const bool alike = !inputs.empty() && stored_as(inputs[0].type) == stored;
        value.type = alike ? inputs[0].type : element_type(stored);
    }
}

}  // namespace

void keep_on_host(Value& value) {
    if (value.host || !value.tensor.defined() || value.tensor.numel() > most_on_host) return;
    HostCopy copy;
    copy.numbers = value.tensor.to_vector<double>();
    if (is_integer(value.tensor) || value.tensor.dtype() == DType::boolean)
        copy.integers = value.tensor.to_vector<std::int64_t>();
    value.host = std::make_shared<const HostCopy>(std::move(copy));
}

Values run_step(const Step& step, const Call& call) {
    return labelled(step.label, [&] {
        Values results = step.kernel(call);
        check<ValueError>(results.size() >= step.outputs.size(), "{} results, {} are wanted", results.size(),
                          step.outputs.size());
        name_types(results, call.inputs);
        return results;
    });
}

std::shared_ptr<const Program::Learnt> Program::find(const Values& given, Device device) const {
    const std::lock_guard lock(mutex_);
    for (const auto& learnt : learnt_) {
        bool same = learnt->device == device;
        for (std::size_t i = 0; same && i < given.size(); ++i)
            same = learnt->shapes[i] == given[i].tensor.shape();
        if (same) return learnt;
    }
    return nullptr;
}

void Program::keep(std::shared_ptr<const Learnt> learnt) const {
    const std::lock_guard lock(mutex_);
    learnt_.push_back(std::move(learnt));
    std::int64_t bytes = 0;
    for (const auto& one : learnt_)
        for (const Value& value : one->known) bytes += bytes_of(value);
    while (learnt_.size() > most_learnt || (bytes > most_learnt_bytes && learnt_.size() > 1)) {
        for (const Value& value : learnt_.front()->known) bytes -= bytes_of(value);
        learnt_.erase(learnt_.begin());
    }
}

Values Program::run(const Values& given, std::span<const nn::Parameter> weights, bool training,
                    Allowance& allowance, const Around& around) const {
    Device device = Device::cpu();
    if (!weights.empty())
        device = weights[0].device();
    else
        for (const Value& value : given)
            if (!value.tensor.device().is_cpu()) device = value.tensor.device();
    const std::shared_ptr<const Learnt> learnt = learns_shapes ? find(given, device) : nullptr;
    std::shared_ptr<Learnt> fresh;
    if (!learnt) {
        fresh = std::make_shared<Learnt>();
        fresh->device = device;
        fresh->known.resize(static_cast<std::size_t>(known_places));
        if (!device.is_cpu() && learns_shapes)
            for (const Value& value : constants)
                fresh->constants.emplace_back(value.tensor.to(device), value.type);
    }
    const Learnt& ready = learnt ? *learnt : *fresh;
    hold_for_replays(learnt ? learnt : fresh);

    Values values(static_cast<std::size_t>(places)), arguments;
    std::copy(given.begin(), given.end(), values.begin());
    const auto fetch = [&](Source source, bool on_host) -> Value {
        const auto index = static_cast<std::size_t>(source.index);
        switch (source.kind) {
            case Source::run:
                return values[index];
            case Source::known:
                return ready.known[index];
            case Source::constant:
                return on_host || ready.constants.empty() ? constants[index] : ready.constants[index];
            case Source::weight:
                return Value(weights[index]);
            case Source::none:
                break;
        }
        return {};
    };
    for (const Step& step : steps) {
        if (step.known && learnt) continue;
        // What is known of the shapes is no part of what is computed: an observer hears none of it.
        std::optional<adjoint::detail::Unheard> silence;
        if (step.known) silence.emplace();
        arguments.clear();
        for (std::size_t i = 0; i < step.inputs.size(); ++i) {
            const bool on_host = i < 32 && (step.host >> i & 1) != 0;
            arguments.push_back(fetch(step.inputs[i], on_host));
            Value& value = arguments.back();
            // Shapes and what is computed of them stay on the host until they meet other values.
            if (!device.is_cpu() && !on_host && value.tensor.defined() && value.tensor.device().is_cpu())
                value.tensor = value.tensor.to(device);
        }
        const auto compute = [&] {
            return run_step(step, {.inputs = arguments,
                                   .outputs = step.outputs.size(),
                                   .training = training,
                                   .allowance = &allowance});
        };
        Values results = around ? around(step, first_read(step, arguments), compute) : compute();
        for (std::size_t i = 0; i < step.outputs.size(); ++i) {
            const auto index = static_cast<std::size_t>(step.outputs[i].index);
            if (step.outputs[i].kind == Source::none) continue;
            labelled(step.label, [&] { allowance.hold(results[i]); });
            if (step.outputs[i].kind == Source::run) values[index] = std::move(results[i]);
            if (step.outputs[i].kind != Source::known) continue;
            results[i].tensor = results[i].tensor.to(Device::cpu());
            keep_on_host(results[i]);
            fresh->known[index] = std::move(results[i]);
        }
        for (const int place : step.released) {
            Value& value = values[static_cast<std::size_t>(place)];
            if (place >= inputs) allowance.give_back(value);
            value = {};
        }
    }
    Values results;
    for (const Source& source : outputs) results.push_back(fetch(source, false));
    // Who asked for them holds them from here on.
    for (int place = inputs; place < places; ++place)
        allowance.give_back(values[static_cast<std::size_t>(place)]);
    if (fresh && learns_shapes) {
        for (const Value& value : given) fresh->shapes.push_back(value.tensor.shape());
        keep(std::move(fresh));
    }
    return results;
}

Values Body::operator()(const Call& call, Values arguments) const {
    const auto outer = call.inputs.subspan(first, count);
    arguments.insert(arguments.end(), outer.begin(), outer.end());
    return program->run(arguments, {}, call.training, *call.allowance);
}

std::size_t Body::inputs() const { return static_cast<std::size_t>(program->inputs) - count; }
std::size_t Body::outputs() const { return program->outputs.size(); }

}  // namespace adjoint::onnx
