// The module: names for its tensors, and checks of what comes in.
#include <adjoint/onnx/import/network.h>

#include <algorithm>
#include <mutex>
#include <new>

#include <adjoint/core/base/format.h>
#include <adjoint/core/memory/storage_limit.h>
#include <adjoint/data/excerpt.h>
#include <adjoint/nn/call_trace.h>
#include <adjoint/onnx/format/file.h>
#include <adjoint/onnx/import/compile.h>
#include <adjoint/onnx/import/graph_order.h>

namespace adjoint::onnx {

namespace {

/// "layer1.0.conv1.weight" as {"layer1", "0", "conv1", "weight"}, each a name that a module can have.
std::vector<std::string> path_of(const std::string& name) {
    constexpr std::size_t most_levels = 32;
    std::vector<std::string> parts{""};
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (c == '.' && parts.size() < most_levels)
            parts.emplace_back();
        else
            parts.back() += plain ? c : '_';
    }
    std::erase(parts, "");
    if (parts.empty()) parts.emplace_back("unnamed");
    return parts;
}

std::string options_of(const Model& model) {
    std::string text;
    std::set<std::string> given;
    for (const TensorValue& value : model.graph.initializers) given.insert(value.name);
    for (const auto& [what, infos] :
         {std::pair("inputs: ", &model.graph.inputs), {"outputs: ", &model.graph.outputs}}) {
        std::string list;
        for (const ValueInfo& info : *infos) {
            if (!given.contains(info.name))
                list += (list.empty() ? "" : ", ") + readable(info.name) + " " + to_string(info.type);
        }
        text += (text.empty() ? "" : "; ") + std::string(what) + list;
    }
    return text;
}

/// Bytes of their own for the tensors of a model, which otherwise keep the whole file in memory.
void own_bytes(TensorValue& value) {
    const auto bytes =
        std::make_shared<const std::vector<std::byte>>(value.bytes.view.begin(), value.bytes.view.end());
    value.bytes = {*bytes, bytes};
}

void own_bytes(std::vector<Node>& nodes) {
    for (Node& node : nodes)
        for (Attribute& attribute : node.attributes) {
            if (auto* value = std::get_if<TensorValue>(&attribute.value)) own_bytes(*value);
            if (auto* shared = std::get_if<std::shared_ptr<const Graph>>(&attribute.value)) {
                Graph graph = **shared;
                own_bytes(graph.nodes);
                for (TensorValue& value : graph.initializers) own_bytes(value);
                *shared = std::make_shared<const Graph>(std::move(graph));
            }
        }
}

/// The value of an input as the file declares it. `sizes` are those of the names that other
/// inputs have given.
Value checked(const ValueInfo& info, const Tensor& x, std::map<std::string, std::int64_t>& sizes) {
    const std::string shown = readable(info.name);
    check<ValueError>(x.defined(), "onnx: the input {} is undefined", shown);
    const Type& type = info.type;
    if (type.kind != TypeKind::tensor) return {x};
    if (type.element != ElementType::undefined)
        check<DTypeError>(stored_as(type.element) == x.dtype(),
                          "onnx: the input {} is of {}, expected {} as {}", shown, name(x.dtype()),
                          onnx::name(type.element), name(*stored_as(type.element)));
    if (type.shape) {
        bool fits = static_cast<int>(type.shape->size()) == x.dim();
        for (std::size_t i = 0; fits && i < type.shape->size(); ++i) {
            const Dimension& dimension = (*type.shape)[i];
            const std::int64_t size = x.size(static_cast<std::int64_t>(i));
            if (dimension.size)
                fits = size == *dimension.size;
            else if (!dimension.name.empty())
                fits = sizes.emplace(dimension.name, size).first->second == size;
        }
        if (!fits) {
            std::string known;
            for (const auto& [symbol, size] : sizes)
                known += fmt::format(", {} = {}", readable(symbol), size);
            fail<ShapeError>("onnx: the input {} has the shape {}, expected {}{}", shown, x.shape(),
                             to_string(type), known);
        }
    }
    return {x, type.element};
}

}  // namespace

std::string to_string(const Type& type) {
    constexpr const char* kinds[] = {"unknown",   "",        "sparse ", "sequence of ",
                                     "optional ", "map to ", "opaque"};
    std::string text = kinds[static_cast<std::size_t>(type.kind)];
    if (type.kind == TypeKind::tensor || type.kind == TypeKind::sparse_tensor) {
        text += name(type.element);
        if (!type.shape) return text;
        std::vector<std::string> sizes;
        for (const Dimension& d : *type.shape)
            sizes.push_back(d.size && *d.size >= 0 ? std::to_string(*d.size)
                            : d.name.empty()       ? "?"
                                                   : readable(d.name));
        return text + fmt::format(" ({})", fmt::join(sizes, ", "));
    }
    for (const Type& inner : type.inner) text += to_string(inner);
    return text;
}

/// Registers tensors under their paths, with a number behind names that are taken.
class Network::Names {
  public:
    explicit Names(Network& network) : network_(network) {}

    /// The name under which it stands.
    std::string add(const Weight& weight) {
        const std::vector<std::string> path = path_of(weight.name);
        std::string prefix;
        Level* level = nullptr;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            std::string part = path[i];
            while (tensors_.contains(prefix + part)) part += "_";
            const auto [below, is_new] = levels_.try_emplace(prefix + part);
            if (is_new && level)
                level->group.adopt(part, below->second.group, typeid(Group));
            else if (is_new)
                network_.adopt(part, below->second.group, typeid(Group));
            level = &below->second;
            prefix += part + ".";
        }
        std::string own = path.back();
        const std::string wanted = prefix + own;
        while (tensors_.contains(prefix + own) || levels_.contains(prefix + own))
            own = fmt::format("{}_{}", path.back(), ++numbers_.try_emplace(wanted, 1).first->second);
        tensors_.insert(prefix + own);
        const auto add_to = [&](const auto& module) {
            return weight.trains ? module.parameter(own, weight.tensor) : module.buffer(own, weight.tensor);
        };
        if (level && level->place < 0) {
            level->place = static_cast<int>(network_.groups_.size());
            network_.groups_.push_back(level->group);
        }
        network_.group_of_.push_back(level ? level->place : -1);
        network_.tensors_.push_back(level ? add_to(level->group) : add_to(network_));
        return prefix + own;
    }

  private:
    struct Level {
        Group group;
        int place = -1;  // among the network's groups with tensors
    };

    Network& network_;
    std::map<std::string, Level> levels_;
    std::set<std::string> tensors_;
    std::map<std::string, int> numbers_;  // the last behind a name that was taken
};

/// What it takes to make a program with other inputs, and those that were made.
struct Network::Variants {
    Variants(const Model& from, const std::vector<Weight>& all) : model(from) {
        std::set<std::string> kept;
        for (const Weight& weight : all) {
            weights.push_back(weight.name);
            kept.insert(weight.name);
        }
        // The module has those.
        for (TensorValue& value : model.graph.initializers)
            if (kept.contains(value.name))
                value.bytes = {};
            else
                own_bytes(value);
        own_bytes(model.graph.nodes);
        for (Function& function : model.functions) own_bytes(function.nodes);
    }

    Model model;
    std::vector<std::string> weights;  // by their places in the module
    std::mutex mutex;
    std::map<std::set<std::string>, std::shared_ptr<const Plan>> plans;
};

Network::Network(const Model& model, const Limits& limits) try
    : Module("Network", options_of(model)), limits_(limits) {
    check<ValueError>(limits.run_bytes > 0 && limits.iterations > 0,
                      "onnx: run_bytes {}, iterations {}: a limit has to be positive", limits.run_bytes,
                      limits.iterations);
    Compiled compiled = compile(model);
    auto plan = std::make_shared<Plan>(Plan{compiled.program, std::move(compiled.inputs), {}});
    auto declared = std::make_shared<Declared>();
    declared->outputs = std::move(compiled.outputs);
    declared->optional = std::move(compiled.optional);
    declared->metadata = model.metadata;
    Names names(*this);
    for (const Weight& weight : compiled.weights) {
        declared->names[names.add(weight)] = weight.name;
        plan->tensors.push_back(plan->tensors.size());
    }
    if (!declared->optional.empty()) variants_ = std::make_shared<Variants>(model, compiled.weights);
    plan_ = std::move(plan);
    declared_ = std::move(declared);
    eval();
} catch (const std::bad_alloc&) {
    throw_no_memory("onnx");
}

Tensor Network::operator()(const Tensor& x) const {
    check<ValueError>(plan_->inputs.size() == 1, "onnx: the model has {} inputs, one is given",
                      plan_->inputs.size());
    return (*this)(std::vector<Tensor>{x}).at(0);
}

std::vector<Tensor> Network::operator()(const std::vector<Tensor>& inputs) const {
    check<ValueError>(
        plan_->inputs.size() == inputs.size(), "onnx: the model has {} inputs, {} are given{}",
        plan_->inputs.size(), inputs.size(),
        declared_->optional.empty() ? "" : "; optional ones are given by name, with all others");
    return run(*plan_, inputs);
}

std::vector<Tensor> Network::run(const Plan& plan, const std::vector<Tensor>& inputs) const try {
    Values values;
    std::map<std::string, std::int64_t> sizes;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        values.push_back(checked(plan.inputs[i], inputs[i], sizes));
    // A variant has some of them, in an order of its own.
    std::vector<nn::Parameter> chosen;
    if (&plan != plan_.get())
        for (const std::size_t i : plan.tensors) chosen.push_back(tensors_[i]);
    const std::vector<nn::Parameter>& tensors = &plan == plan_.get() ? tensors_ : chosen;
    constexpr std::int64_t times_inputs = 1 << 14;
    std::int64_t bytes = limits_.run_bytes;
    for (const Value& value : values)
        if (__builtin_add_overflow(bytes, times_inputs * bytes_of(value), &bytes)) bytes = INT64_MAX;
    const StorageLimit limit(static_cast<std::size_t>(bytes), run_bytes_hint);
    Allowance allowance(bytes, limits_.iterations);
    const bool watched =
        nn::CallTrace::current() != nullptr ||
        std::any_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.has_hooks(); });
    Around around;
    if (watched)
        around = [&](const Step& step, const Tensor& x, const std::function<Values()>& compute) {
            return as_calls(layers_of(plan, step), x, compute);
        };
    std::vector<Tensor> results;
    for (Value& value : plan.program->run(values, tensors, is_training(), allowance, around))
        results.push_back(std::move(value.tensor));
    return results;
} catch (const std::bad_alloc&) {
    throw_no_memory("onnx");
}

std::vector<const Network::Group*> Network::layers_of(const Plan& plan, const Step& step) const {
    std::vector<const Group*> layers;
    for (const Source& source : step.inputs) {
        if (source.kind != Source::weight) continue;
        const int place = group_of_[plan.tensors[static_cast<std::size_t>(source.index)]];
        if (place < 0) continue;
        const Group* group = &groups_[static_cast<std::size_t>(place)];
        if (std::ranges::find(layers, group) == layers.end()) layers.push_back(group);
    }
    return layers;
}

Values Network::as_calls(std::span<const Group* const> layers, const Tensor& x,
                         const std::function<Values()>& compute) {
    if (layers.empty()) return compute();
    Values results;
    Tensor y = layers[0]->computed(x, [&] {
        results = as_calls(layers.subspan(1), x, compute);
        return results.at(0).tensor;
    });
    results.at(0).tensor = std::move(y);
    return results;
}

std::shared_ptr<const Network::Plan> Network::plan_with(const std::set<std::string>& given) const {
    constexpr std::size_t most_plans = 16;
    const std::lock_guard lock(variants_->mutex);
    auto& plans = variants_->plans;
    if (const auto found = plans.find(given); found != plans.end()) return found->second;
    Again again{.given = given};
    std::multimap<std::string, std::size_t> places;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        again.weights.emplace(variants_->weights[i], tensors_[i]);
        places.emplace(variants_->weights[i], i);
    }
    Compiled compiled = compile(variants_->model, again);
    auto plan = std::make_shared<Plan>(Plan{compiled.program, std::move(compiled.inputs), {}});
    for (const Weight& weight : compiled.weights) {
        const auto place = places.find(weight.name);
        plan->tensors.push_back(place->second);
        places.erase(place);
    }
    if (plans.size() >= most_plans) plans.clear();
    return plans[given] = std::move(plan);
}

std::map<std::string, Tensor> Network::operator()(const std::map<std::string, Tensor>& inputs) const {
    const auto is = [](const std::vector<ValueInfo>& infos, const std::string& name) {
        return std::ranges::find(infos, name, &ValueInfo::name) != infos.end();
    };
    std::set<std::string> given;
    for (const auto& [name, tensor] : inputs) {
        if (is(plan_->inputs, name)) continue;
        if (!is(declared_->optional, name))
            fail<ValueError>("onnx: the model has no input {}", data::excerpt(name));
        given.insert(name);
    }
    const auto plan = given.empty() ? plan_ : plan_with(given);
    std::vector<Tensor> ordered;
    for (const ValueInfo& info : plan->inputs) {
        const auto found = inputs.find(info.name);
        check<ValueError>(found != inputs.end(), "onnx: the input {} is missing", data::excerpt(info.name));
        ordered.push_back(found->second);
    }
    const std::vector<Tensor> results = run(*plan, ordered);
    std::map<std::string, Tensor> named;
    for (std::size_t i = 0; i < results.size(); ++i) named[declared_->outputs[i].name] = results[i];
    return named;
}

Network load(const std::string& path, const Limits& limits) {
    const Model model = read(path);
    try {
        return Network(model, limits);
    } catch (Error& error) {
        error.lead(path.c_str());
        throw;
    }
}

}  // namespace adjoint::onnx
