// Order by depth-first search, without recursion: a chain of nodes may be long.
#include <adjoint/onnx/import/graph_order.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include <adjoint/core/base/format.h>
#include <adjoint/data/excerpt.h>

namespace adjoint::onnx {

std::string readable(const std::string& text) {
    std::string shown = data::excerpt(text);
    std::erase(shown, '"');
    return shown;
}

std::string label_of(const Node& node) {
    const std::string& name = node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name;
    return fmt::format("node {} ({})", data::excerpt(name), readable(node.op_type));
}

std::vector<std::shared_ptr<const Graph>> graphs_of(const Node& node) {
    std::vector<std::shared_ptr<const Graph>> graphs;
    for (const Attribute& attribute : node.attributes)
        if (const auto* graph = std::get_if<std::shared_ptr<const Graph>>(&attribute.value))
            graphs.push_back(*graph);
    return graphs;
}

std::vector<std::string> free_names(const Graph& graph) {
    std::set<std::string> own{""}, met;
    for (const ValueInfo& info : graph.inputs) own.insert(info.name);
    for (const TensorValue& tensor : graph.initializers) own.insert(tensor.name);
    for (const Node& node : graph.nodes) own.insert(node.outputs.begin(), node.outputs.end());
    std::vector<std::string> names;
    const auto need = [&](const std::string& name) {
        if (!own.contains(name) && met.insert(name).second) names.push_back(name);
    };
    for (const Node& node : graph.nodes)
        for (const std::string& name : needed_names(node)) need(name);
    for (const ValueInfo& info : graph.outputs) need(info.name);
    return names;
}

std::vector<std::string> needed_names(const Node& node) {
    std::vector<std::string> names;
    for (const std::string& name : node.inputs)
        if (!name.empty()) names.push_back(name);
    for (const auto& graph : graphs_of(node))
        for (std::string& name : free_names(*graph)) names.push_back(std::move(name));
    return names;
}

std::vector<std::size_t> live_order(const std::vector<ScopedNode>& nodes,
                                    const std::vector<ValueInfo>& outputs) {
    std::unordered_map<std::string, std::size_t> producers;
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const std::string& name : nodes[i].node.outputs)
            if (!name.empty() && !producers.emplace(name, i).second)
                fail<ValueError>("the value {} is given by {} and {}", data::excerpt(name),
                                 label_of(nodes[producers[name]].node), label_of(nodes[i].node));
    std::vector<std::vector<std::size_t>> needs(nodes.size());
    const auto producers_of = [&](const std::vector<std::string>& names) {
        std::vector<std::size_t> found;
        for (const std::string& name : names)
            if (const auto at = producers.find(name); at != producers.end()) found.push_back(at->second);
        std::sort(found.begin(), found.end(), std::greater<>());
        return found;
    };
    enum State : std::uint8_t { fresh, open, done };
    std::vector<State> states(nodes.size(), fresh);
    std::vector<std::size_t> order, path;
    const auto enter = [&](std::size_t i) {
        if (states[i] == done) return;
        if (states[i] == open) {
            std::string circle;
            for (auto at = std::find(path.begin(), path.end(), i); at != path.end(); ++at)
                circle += label_of(nodes[*at].node) + " -> ";
            fail<ValueError>("nodes need each other: {}{}", circle, label_of(nodes[i].node));
        }
        states[i] = open;
        needs[i] = producers_of(needed_names(nodes[i].node));
        path.push_back(i);
    };
    std::vector<std::string> wanted;
    for (const ValueInfo& info : outputs) wanted.push_back(info.name);
    std::vector<std::size_t> roots = producers_of(wanted);
    for (auto root = roots.rbegin(); root != roots.rend(); ++root) {
        enter(*root);
        while (!path.empty()) {
            const std::size_t i = path.back();
            if (!needs[i].empty()) {
                const std::size_t next = needs[i].back();
                needs[i].pop_back();
                enter(next);
                continue;
            }
            states[i] = done;
            order.push_back(i);
            path.pop_back();
        }
    }
    return order;
}

}  // namespace adjoint::onnx
