// Functions put in the place of their calls, their values under names of their own.
#include <adjoint/onnx/import/expand.h>

#include <algorithm>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::onnx {

namespace {

// Calls, and what is copied for them: a few functions that call each other twice would make any number.
constexpr std::size_t most_calls = 200'000;
constexpr std::int64_t most_copied = std::int64_t{1} << 28;
// Functions in functions, which are put in one inside of the other.
constexpr std::size_t deepest_call = 256;

/// What a function's body becomes at one of its calls.
struct Substitution {
    std::map<std::string, std::string> names;
    std::string prefix;  // of all other names
    std::map<std::string, const Attribute*> attributes;

    std::string operator()(const std::string& name) const {
        if (name.empty()) return name;
        const auto found = names.find(name);
        return found == names.end() ? prefix + name : found->second;
    }

    Node operator()(const Node& node) const {
        Node out = node;
        if (!out.name.empty()) out.name = prefix + out.name;
        for (std::string& name : out.inputs) name = (*this)(name);
        for (std::string& name : out.outputs) name = (*this)(name);
        out.attributes.clear();
        for (const Attribute& attribute : node.attributes) {
            Attribute own = attribute;
            if (!attribute.reference.empty()) {
                const auto given = attributes.find(attribute.reference);
                if (given == attributes.end()) continue;
                own.value = given->second->value;
                own.reference.clear();
            } else if (const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&attribute.value)) {
                own.value = std::make_shared<const Graph>((*this)(**graph));
            }
            out.attributes.push_back(std::move(own));
        }
        return out;
    }

    Graph operator()(const Graph& graph) const {
        Graph out = graph;
        for (Node& node : out.nodes) node = (*this)(node);
        for (ValueInfo& info : out.inputs) info.name = (*this)(info.name);
        for (ValueInfo& info : out.outputs) info.name = (*this)(info.name);
        for (TensorValue& tensor : out.initializers) tensor.name = (*this)(tensor.name);
        return out;
    }
};

/// About the bytes of a copy whose names get a prefix.
std::int64_t bytes_to_copy(const std::vector<Node>& nodes, std::int64_t prefix) {
    std::int64_t bytes = 0;
    const auto add = [&](const std::string& text) {
        bytes += 64 + prefix + static_cast<std::int64_t>(text.size());
    };
    const auto add_tensor = [&](const TensorValue& value) {
        add(value.name);
        bytes += static_cast<std::int64_t>(value.bytes.view.size());
    };
    for (const Node& node : nodes) {
        for (const auto& names : {node.inputs, node.outputs, {node.name}})
            for (const std::string& name : names) add(name);
        for (const Attribute& attribute : node.attributes) {
            add(attribute.name);
            if (const auto* value = std::get_if<TensorValue>(&attribute.value)) add_tensor(*value);
            if (const auto* text = std::get_if<std::string>(&attribute.value)) add(*text);
            if (const auto* list = std::get_if<std::vector<float>>(&attribute.value))
                bytes += static_cast<std::int64_t>(list->size() * sizeof(float));
            if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute.value))
                bytes += static_cast<std::int64_t>(list->size() * sizeof(std::int64_t));
            if (const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&attribute.value)) {
                bytes += bytes_to_copy((*graph)->nodes, prefix);
                for (const TensorValue& value : (*graph)->initializers) add_tensor(value);
                for (const auto& infos : {(*graph)->inputs, (*graph)->outputs})
                    for (const ValueInfo& info : infos) add(info.name);
            }
        }
    }
    return bytes;
}

}  // namespace

std::shared_ptr<const OperatorSets> operator_sets(const std::vector<OperatorSet>& sets) {
    OperatorSets out;
    for (const OperatorSet& set : sets) out[set.domain] = set.version;
    return std::make_shared<const OperatorSets>(std::move(out));
}

Functions::Functions(const Model& model) {
    for (const Function& function : model.functions)
        all_[{function.domain, function.name, function.overload}] = &function;
}

struct Functions::Expansion {
    std::vector<ScopedNode> nodes;
    std::vector<const Function*> inside;  // the functions whose bodies are being put in
};

void Functions::expand(Expansion& into, const Node& node, const std::shared_ptr<const OperatorSets>& sets) {
    const auto found = all_.find({node.domain, node.op_type, node.overload});
    if (found == all_.end()) {
        into.nodes.push_back({node, sets});
        return;
    }
    const Function& function = *found->second;
    if (std::find(into.inside.begin(), into.inside.end(), &function) != into.inside.end())
        fail<ValueError>("the function {} calls itself", data::excerpt(function.name));
    check<ValueError>(into.inside.size() < deepest_call, "functions that call functions, more than {} deep",
                      deepest_call);
    Substitution substitution;
    substitution.prefix = fmt::format("{}/{}/", function.name, calls_++);
    copied_ += bytes_to_copy(function.nodes, static_cast<std::int64_t>(substitution.prefix.size()));
    check<ValueError>(calls_ <= most_calls && copied_ <= most_copied,
                      "functions: the bodies of {} calls have {} bytes, at most {} and {} are supported",
                      calls_, copied_, most_calls, most_copied);
    for (std::size_t i = 0; i < function.inputs.size(); ++i)
        substitution.names[function.inputs[i]] = i < node.inputs.size() ? node.inputs[i] : "";
    for (std::size_t i = 0; i < function.outputs.size() && i < node.outputs.size(); ++i)
        if (!node.outputs[i].empty()) substitution.names[function.outputs[i]] = node.outputs[i];
    for (const Attribute& attribute : function.default_attributes)
        substitution.attributes[attribute.name] = &attribute;
    for (const Attribute& attribute : node.attributes) substitution.attributes[attribute.name] = &attribute;
    const auto own_sets = operator_sets(function.operator_sets);
    into.inside.push_back(&function);
    for (const Node& inner : function.nodes) expand(into, substitution(inner), own_sets);
    into.inside.pop_back();
}

std::vector<ScopedNode> Functions::expanded(const std::vector<Node>& nodes,
                                            const std::shared_ptr<const OperatorSets>& sets) {
    Expansion expansion;
    for (const Node& node : nodes) expand(expansion, node, sets);
    return std::move(expansion.nodes);
}

}  // namespace adjoint::onnx
