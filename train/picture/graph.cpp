// Walking a graph from its output, and asking a backward pass for the gradient at each node.
#include <adjoint/train/picture/graph.h>

#include <algorithm>
#include <unordered_map>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::picture {
namespace {

constexpr std::size_t most_operations = 2000;

std::string text_of(const Tensor& x) {
    if (!x.defined()) return "";
    if (x.numel() > 3) return "shape " + to_string(x.shape());
    std::string text;
    for (const double v : x.to_vector<double>()) text += (text.empty() ? "" : ", ") + label(v);
    return x.dim() == 0 ? text : "[" + text + "]";
}

struct Walk {
    std::vector<Node*> nodes;
    std::vector<Ref<TensorImpl>> leaves;
    std::unordered_map<const void*, std::size_t> box;  // nodes first, then leaves
};

Walk walk(const Tensor& output) {
    check<AutogradError>(!output.is_leaf(), "graph: the tensor is not the result of a recorded operation");
    Walk w;
    std::vector<const Edge*> open;
    // The first input is walked first, so that variables are met in the order in which they are written.
    const auto visit = [&](Node* node) {
        w.nodes.push_back(node);
        check<ValueError>(w.nodes.size() <= most_operations, "graph: more than {} operations",
                          most_operations);
        const auto& edges = node->edges();
        for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) open.push_back(&*edge);
    };
    w.box[node_of(output.impl().producer)] = 0;
    visit(node_of(output.impl().producer));
    while (!open.empty()) {
        const Edge& edge = *open.back();
        open.pop_back();
        if (edge.node && w.box.try_emplace(edge.node.get(), 0).second)
            visit(node_of(edge.node));
        else if (edge.leaf && w.box.try_emplace(edge.leaf.get(), 0).second)
            w.leaves.push_back(edge.leaf);
    }
    std::stable_sort(w.nodes.begin(), w.nodes.end(),
                     [](Node* a, Node* b) { return a->depth() < b->depth(); });
    for (std::size_t i = 0; i < w.nodes.size(); ++i) w.box[w.nodes[i]] = i;
    for (std::size_t i = 0; i < w.leaves.size(); ++i) w.box[w.leaves[i].get()] = w.nodes.size() + i;
    return w;
}

// The hooks are there for one pass: they are removed also when it throws.
class Listening {
  public:
    Listening(const std::vector<Node*>& nodes, std::vector<Tensor>& gradients) : nodes_(nodes) {
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            auto& hooks = nodes[i]->output(0).hooks;
            if (!hooks) hooks = std::make_unique<std::vector<TensorHook>>();
            hooks->push_back([&slot = gradients[i]](const Tensor& g) {
                slot = g.detach();
                return Tensor();
            });
        }
    }
    ~Listening() {
        for (Node* node : nodes_) {
            auto& hooks = node->output(0).hooks;
            hooks->pop_back();
            if (hooks->empty()) hooks.reset();
        }
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

  private:
    const std::vector<Node*>& nodes_;
};

// One for each node and leaf of the walk; undefined where there is none.
std::vector<Tensor> gradients(const Tensor& output, const Walk& w) {
    std::vector<Tensor> at_nodes(w.nodes.size());
    std::vector<Tensor> leaves(w.leaves.begin(), w.leaves.end()), at_leaves;
    if (std::any_of(w.nodes.begin(), w.nodes.end(), [](Node* node) { return node->released(); })) {
        for (const Tensor& leaf : leaves) at_leaves.push_back(leaf.grad());
    } else if (!leaves.empty()) {
        const Listening listening(w.nodes, at_nodes);
        const std::vector<Tensor> outputs{output}, ones{ones_like(output.detach())};
        at_leaves = grad(outputs, leaves, {.grad_outputs = ones, .retain_graph = true, .allow_unused = true});
    }
    at_nodes.insert(at_nodes.end(), at_leaves.begin(), at_leaves.end());
    at_nodes.resize(w.nodes.size() + w.leaves.size());
    return at_nodes;
}

std::string name_of(const Names& names, const TensorImpl* impl) {
    for (const auto& [name, tensor] : names)
        if (&tensor.impl() == impl) return name;
    return "";
}

}  // namespace

Graph graph(const Tensor& output, const Names& names, const Trace* trace) {
    const Walk w = walk(output);
    const std::vector<Tensor> slopes = gradients(output, w);
    Graph result;
    for (std::size_t i = 0; i < w.nodes.size(); ++i) {
        Node& node = *w.nodes[i];
        Tensor value = trace ? trace->value(node) : Tensor();
        std::string title = node.name();
        for (const auto& [name, tensor] : names)
            if (tensor.impl().producer.get() == &node)
                title = fmt::format("{} = {}", name, title), value = tensor;
        if (&node == output.impl().producer.get()) value = output;
        result.boxes.push_back({title,
                                value.defined() ? text_of(value) : "shape " + to_string(node.output(0).shape),
                                text_of(slopes[i]), false, static_cast<int>(node.depth())});
        const bool symmetric = node.edges().size() < 2 || node.name() == std::string_view("add") ||
                               node.name() == std::string_view("mul");
        int operand = 0;
        for (const Edge& edge : node.edges()) {
            const void* from = edge.node ? static_cast<const void*>(edge.node.get()) : edge.leaf.get();
            ++operand;
            if (from) result.arrows.push_back({w.box.at(from), i, symmetric ? 0 : operand});
        }
    }
    for (std::size_t i = 0; i < w.leaves.size(); ++i) {
        const std::string name = name_of(names, w.leaves[i].get());
        result.boxes.push_back({name.empty() ? "variable" : name, text_of(Tensor(w.leaves[i])),
                                text_of(slopes[w.nodes.size() + i]), true, 0});
    }
    // A variable stands one layer before its first use; layers count from 0.
    for (std::size_t i = w.nodes.size(); i < result.boxes.size(); ++i) {
        int layer = static_cast<int>(most_operations);
        for (const auto& [from, to, operand] : result.arrows)
            if (from == i) layer = std::min(layer, result.boxes[to].layer - 1);
        result.boxes[i].layer = layer;
    }
    int lowest = result.boxes.front().layer;
    for (const GraphBox& box : result.boxes) lowest = std::min(lowest, box.layer);
    for (GraphBox& box : result.boxes) box.layer -= lowest;
    return result;
}

void save_graph(const std::string& path, const Tensor& output, const Names& names, const Trace* trace) {
    const Graph drawn = graph(output, names, trace);
    save_text(path, path.ends_with(".dot") ? drawn.dot() : drawn.draw().str());
}

}  // namespace adjoint::picture
