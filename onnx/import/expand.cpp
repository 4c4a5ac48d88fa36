// Functions put in the place of their calls, their values under names of their own.
#include <adjoint/onnx/import/expand.h>

#include <algorithm>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::onnx {

namespace {

constexpr std::size_t most_nodes = 200'000;

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
    std::size_t calls = 0;
};

void Functions::expand(Expansion& into, const Node& node,
                       const std::shared_ptr<const OperatorSets>& sets) const {
    const auto found = all_.find({node.domain, node.op_type, node.overload});
    check<ValueError>(into.nodes.size() < most_nodes && into.calls < most_nodes, "more than {} nodes",
                      most_nodes);
    if (found == all_.end()) {
        into.nodes.push_back({node, sets});
        return;
    }
    const Function& function = *found->second;
    if (std::find(into.inside.begin(), into.inside.end(), &function) != into.inside.end())
        fail<ValueError>("the function {} calls itself", data::excerpt(function.name));
    Substitution substitution;
    substitution.prefix = fmt::format("{}/{}/", function.name, into.calls++);
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
                                            const std::shared_ptr<const OperatorSets>& sets) const {
    Expansion expansion;
    for (const Node& node : nodes) expand(expansion, node, sets);
    return std::move(expansion.nodes);
}

}  // namespace adjoint::onnx
