// The backward pass: nodes run in order of falling depth, so each runs once, after all its consumers.
//
// No pass over the graph is needed beforehand: the frontier holds the nodes that have received a gradient and
// not run yet; the deepest of them cannot receive another one. Nothing recurses.
#include <adjoint/autograd/backward/engine.h>

#include <algorithm>
#include <memory>
#include <new>
#include <unordered_map>
#include <unordered_set>

#include <adjoint/autograd/backward/frontier.h>
#include <adjoint/autograd/backward/gradient_buffer.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

class Pass {
  public:
    explicit Pass(const GradOptions& options, bool runs_leaf_hooks = true)
        : options_(options), runs_leaf_hooks_(runs_leaf_hooks) {}

    void capture(std::span<const Tensor> inputs) {
        capturing_ = true;
        captured_.resize(inputs.size());
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const Edge edge(inputs[i]);
            check<AutogradError>(!edge.empty(), "grad: input {} does not require a gradient", i);
            if (edge.leaf)
                wanted_leaves_[edge.leaf.get()].push_back(i);
            else
                wanted_outputs_[edge.node.get()].push_back({edge.index, i});
        }
    }

    void run(std::span<const Tensor> outputs) {
        check<AutogradError>(options_.grad_outputs.empty() || options_.grad_outputs.size() == outputs.size(),
                             "backward: {} gradients for {} outputs", options_.grad_outputs.size(),
                             outputs.size());
        const detail::Span span(detail::SpanKind::part, "(backward pass)");
        const GradMode mode(options_.create_graph);
        if (capturing_) find_useful(outputs);
        if (options_.on_leaf) expect_leaves(outputs);
        for (std::size_t i = 0; i < outputs.size(); ++i) start(outputs, i);
        while (!frontier_.empty()) step(frontier_.pop());
        for (Hooked& hooked : hooked_) keep_hooked(hooked);
        for (const Ref<TensorImpl>& leaf : reached_) announce(leaf);
    }

    std::vector<Tensor> take_captured() { return std::move(captured_); }

  private:
    struct Hooked {
        Ref<TensorImpl> leaf;
        Tensor gradient;
    };
    // Of a leaf: edges that are not settled.
    struct Expected {
        std::size_t edges = 0;
        bool reached = false, announced = false;
    };

    void start(std::span<const Tensor> outputs, std::size_t i) {
        const Tensor& output = outputs[i];
        check<AutogradError>(
            output.requires_grad(),
            "backward: output {} of shape {} does not depend on anything that requires a "
            "gradient; NoGrad and detach() cut it off, set_requires_grad() is for what is no "
            "parameter",
            i, output.shape());
        Tensor gradient = i < options_.grad_outputs.size() ? options_.grad_outputs[i] : Tensor();
        if (!gradient.defined()) {
            check<AutogradError>(
                output.numel() == 1,
                "backward: the gradient can be left out for one element only, the shape is {}; reduce "
                "it to a loss first, or give the gradient",
                output.shape());
            if (outputs.size() == 1 && start_with_one(output)) return;
            gradient = ones_like(output);
        }
        check<ShapeError>(gradient.shape() == output.shape(),
                          "backward: gradient of shape {} for an output of shape {}", gradient.shape(),
                          output.shape());
        const Edge edge(output);
        deliver(edge, std::move(gradient), "backward");
        if (options_.on_leaf && edge.leaf) settle(edge.leaf);
    }

    template <class Backward> static auto evaluate(Node& node, Backward backward) {
        struct Running {
            explicit Running(Node* n) : before(running_node()) { set_running_node(n); }
            ~Running() { set_running_node(before); }
            Node* before;
        } const running(&node);
        if (detail::spans_wanted()) [[unlikely]] {
            const detail::InLayer layer(detail::layer_of_node(&node));
            const detail::Span span(detail::SpanKind::backward, node.name());
            return backward(node);
        }
        return backward(node);
    }

    // A function that knows its gradients for a gradient of 1 needs none to be made, unless somebody looks
    // at it or the pass is recorded.
    bool start_with_one(const Tensor& output) {
        const Ref<Producer>& producer = output.impl().producer;
        if (!producer || capturing_ || options_.create_graph) return false;
        Node& node = *node_of(producer);
        if (node.released() || node.output_count() > 1 || node.output(0).hooks || node.output(0).retained)
            return false;
        std::optional<Grads> grads = evaluate(node, [](Node& running) { return running.backward_of_one(); });
        if (grads) pass_on(node, *grads);
        return grads.has_value();
    }

    void step(detail::Frontier::Waiting waiting) {
        Node& node = *node_of(waiting.node);
        for (std::size_t i = 0; i < node.output_count(); ++i) finish_output(node, i, waiting.grads[i]);
        if (capturing_ && !useful_.contains(&node)) return;
        check<AutogradError>(
            !node.released(),
            "backward: the graph of {} was freed by an earlier backward pass; pass retain_graph there",
            node.name());
        Grads grads = evaluate(node, [&](Node& running) { return running.backward(waiting.grads); });
        pass_on(node, grads);
    }

    void pass_on(Node& node, Grads& grads) {
        const std::span<Edge> edges = node.edges();
        check<AutogradError>(grads.size() == edges.size(), "backward: {} returned {} gradients for {} inputs",
                             node.name(), grads.size(), edges.size());
        for (std::size_t i = 0; i < edges.size(); ++i) {
            if (grads[i].defined() && !edges[i].empty())
                deliver(edges[i], std::move(grads[i]), node.name(), i);
            if (options_.on_leaf && edges[i].leaf) settle(edges[i].leaf);
        }
        if (!options_.retain_graph && !options_.create_graph) node.release_saved();
    }

    // The gradient of a node's output is complete: hooks, capture, retained copies;
    // an unreached output is zero.
    void finish_output(Node& node, std::size_t i, Tensor& gradient) {
        OutputInfo& info = node.output(i);
        if (!gradient.defined()) {
            gradient = zeros(info.shape, {.dtype = info.dtype, .device = info.device});
            return;
        }
        if (info.hooks) gradient = run_hooks(*info.hooks, gradient);
        if (info.retained) accumulate_leaf(*info.retained, gradient, options_.create_graph);
        if (!capturing_) return;
        if (const auto found = wanted_outputs_.find(&node); found != wanted_outputs_.end())
            for (const auto& [index, input] : found->second)
                if (index == i) captured_[input] = gradient;
    }

    // `input`: of which of the function's inputs it is the gradient; none where the pass begins.
    void deliver(const Edge& edge, Tensor gradient, const char* from, std::optional<std::size_t> input = {}) {
        if (edge.leaf) {
            TensorImpl& leaf = *edge.leaf;
            gradient =
                fit_gradient(std::move(gradient), leaf.shape, leaf.dtype, leaf.storage->device(), from);
            if (anomaly_enabled()) [[unlikely]]
                detail::check_anomaly(from, gradient, input);
            deliver_to_leaf(edge.leaf, std::move(gradient));
            return;
        }
        const OutputInfo& info = node_of(edge.node)->output(edge.index);
        gradient = fit_gradient(std::move(gradient), info.shape, info.dtype, info.device, from);
        if (anomaly_enabled()) [[unlikely]]
            detail::check_anomaly(from, gradient, input);
        accumulate(frontier_.slot(edge.node, edge.index), std::move(gradient));
    }

    // A hook sees the whole gradient: that of a leaf with hooks waits until it is complete, as far as that is
    // known, else for the end of the pass.
    void deliver_to_leaf(const Ref<TensorImpl>& leaf, Tensor gradient) {
        if (options_.on_leaf && !std::exchange(expected_[leaf.get()].reached, true)) reached_.push_back(leaf);
        if (!leaf->hooks || !runs_leaf_hooks_) {
            keep(*leaf, std::move(gradient));
            return;
        }
        auto place =
            std::find_if(hooked_.begin(), hooked_.end(), [&](const Hooked& h) { return h.leaf == leaf; });
        if (place == hooked_.end()) place = hooked_.insert(place, {leaf, Tensor()});
        accumulate(place->gradient, std::move(gradient));
    }

    void keep_hooked(Hooked& hooked) {
        if (Tensor gradient = std::exchange(hooked.gradient, {}); gradient.defined())
            keep(*hooked.leaf, run_hooks(*hooked.leaf->hooks, std::move(gradient)));
    }

    // How many edges of the graph end in each leaf.
    void expect_leaves(std::span<const Tensor> outputs) {
        const auto expect = [this](const Edge& edge) {
            if (edge.leaf) ++expected_[edge.leaf.get()].edges;
        };
        for (const Tensor& output : outputs) expect(Edge(output));
        for (Node* node : reachable_from(outputs))
            for (const Edge& edge : node->edges()) expect(edge);
    }

    // An edge to the leaf is done with, whether it brought something or not.
    void settle(const Ref<TensorImpl>& leaf) {
        Expected& expected = expected_[leaf.get()];
        if (--expected.edges > 0 || !expected.reached) return;
        for (Hooked& hooked : hooked_)
            if (hooked.leaf == leaf) keep_hooked(hooked);
        announce(leaf);
    }

    void announce(const Ref<TensorImpl>& leaf) {
        if (!std::exchange(expected_[leaf.get()].announced, true)) options_.on_leaf(Tensor(leaf));
    }

    void keep(TensorImpl& leaf, Tensor gradient) {
        if (!capturing_) {
            accumulate_leaf(leaf, std::move(gradient), options_.create_graph);
            return;
        }
        if (const auto found = wanted_leaves_.find(&leaf); found != wanted_leaves_.end())
            for (const std::size_t input : found->second) {
                Tensor copy = gradient;
                accumulate(captured_[input], std::move(copy));
            }
    }

    static Tensor run_hooks(const std::vector<TensorHook>& hooks, Tensor gradient) {
        for (const TensorHook& hook : hooks) {
            Tensor replaced = hook(gradient);
            if (!replaced.defined()) continue;
            check<ShapeError>(replaced.shape() == gradient.shape(),
                              "backward: a hook returned shape {} for {}", replaced.shape(),
                              gradient.shape());
            gradient = std::move(replaced);
        }
        return gradient;
    }

    static std::vector<Node*> reachable_from(std::span<const Tensor> outputs) {
        std::vector<Node*> reachable;
        std::unordered_set<const Producer*> seen;
        const auto visit = [&](const Ref<Producer>& producer) {
            if (producer && seen.insert(producer.get()).second) reachable.push_back(node_of(producer));
        };
        for (const Tensor& output : outputs) visit(output.impl().producer);
        for (std::size_t i = 0; i < reachable.size(); ++i)
            for (const Edge& edge : reachable[i]->edges()) visit(edge.node);
        return reachable;
    }

    // The nodes on a path to a wanted input: the others need not run.
    void find_useful(std::span<const Tensor> outputs) {
        std::vector<Node*> reachable = reachable_from(outputs);
        std::stable_sort(reachable.begin(), reachable.end(),
                         [](const Node* a, const Node* b) { return a->depth() < b->depth(); });
        for (Node* node : reachable)
            for (const Edge& edge : node->edges())
                if ((edge.leaf && wanted_leaves_.contains(edge.leaf.get())) ||
                    (edge.node &&
                     (useful_.contains(edge.node.get()) || wanted_outputs_.contains(edge.node.get())))) {
                    useful_.insert(node);
                    break;
                }
    }

    const GradOptions& options_;
    const bool runs_leaf_hooks_;
    detail::Frontier frontier_;
    std::vector<Hooked> hooked_;
    std::unordered_map<const TensorImpl*, Expected> expected_;
    std::vector<Ref<TensorImpl>> reached_;  // in the order in which their gradients came
    bool capturing_ = false;
    std::vector<Tensor> captured_;
    std::unordered_map<const TensorImpl*, std::vector<std::size_t>> wanted_leaves_;
    std::unordered_map<const Producer*, std::vector<std::pair<std::uint32_t, std::size_t>>> wanted_outputs_;
    std::unordered_set<const Producer*> useful_;
};

}  // namespace

void backward(std::span<const Tensor> outputs, const GradOptions& options) try {
    Pass(options).run(outputs);
} catch (const std::bad_alloc&) {
    throw_no_memory("backward");
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         const GradOptions& options) try {
    Pass pass(options);
    pass.capture(inputs);
    pass.run(outputs);
    std::vector<Tensor> grads = pass.take_captured();
    for (std::size_t i = 0; i < grads.size(); ++i)
        check<AutogradError>(
            grads[i].defined() || options.allow_unused,
            "grad: the outputs do not depend on input {}; pass allow_unused if that is meant", i);
    return grads;
} catch (const std::bad_alloc&) {
    throw_no_memory("grad");
}

Tensor grad(const Tensor& output, const Tensor& input, const GradOptions& options) {
    return grad(std::span(&output, 1), std::span(&input, 1), options)[0];
}

std::vector<Tensor> detail::gradients_inside(std::span<const Tensor> outputs,
                                             std::vector<Tensor> grad_outputs,
                                             std::span<const Tensor> inputs) {
    const GradOptions options{.grad_outputs = std::move(grad_outputs)};
    Pass pass(options, false);
    pass.capture(inputs);
    pass.run(outputs);
    return pass.take_captured();
}

void Tensor::backward() const { adjoint::backward(std::span(this, 1)); }

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph) const {
    GradOptions options{.grad_outputs = {}, .retain_graph = retain_graph, .create_graph = create_graph};
    if (gradient.defined()) options.grad_outputs.push_back(gradient);
    adjoint::backward(std::span(this, 1), options);
}

}  // namespace adjoint
