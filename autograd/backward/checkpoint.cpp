// A node that has a function in the place of what the function would have saved.
//
// The first call is recorded like any other, only to see which leaves it reaches besides its inputs, and the
// record is dropped. So parameters are inputs of the node, and whoever asks for their gradients gets them in
// the usual way; a recorded result from outside would need a pass that goes on outside, and is refused.
#include <adjoint/autograd/backward/checkpoint.h>

#include <memory>
#include <optional>
#include <unordered_set>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/record/autocast.h>
#include <adjoint/autograd/record/function.h>
#include <adjoint/autograd/record/recompute.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>

namespace adjoint::detail {
namespace {

// Inputs as leaves of their own, on the same memory.
std::vector<Tensor> as_leaves(std::span<const Tensor> inputs, const std::vector<bool>& wanted) {
    std::vector<Tensor> leaves;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        leaves.push_back(inputs[i].defined() ? inputs[i].detach() : Tensor());
        if (wanted[i]) leaves.back().impl().requires_grad = true;
    }
    return leaves;
}

// The leaves that results depend on, besides `inputs`, in the order in which they are met.
std::vector<Ref<TensorImpl>> leaves_under(const std::vector<Tensor>& results, std::span<const Tensor> inputs,
                                          std::uint32_t region) {
    std::unordered_set<const void*> seen;
    for (const Tensor& input : inputs)
        if (input.defined()) seen.insert(&input.impl());
    std::vector<Ref<Producer>> nodes;
    std::vector<Ref<TensorImpl>> leaves;
    const auto visit = [&](const Edge& edge) {
        if (edge.leaf && seen.insert(edge.leaf.get()).second) leaves.push_back(edge.leaf);
        if (!edge.node || !seen.insert(edge.node.get()).second) return;
        check<AutogradError>(node_of(edge.node)->region() == region,
                             "checkpoint: the function uses a result of {} that is not among its inputs; "
                             "pass it as one",
                             node_of(edge.node)->name());
        nodes.push_back(edge.node);
    };
    for (const Tensor& result : results) visit(Edge(result));
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const Edge& edge : node_of(nodes[i])->edges()) visit(edge);
    return leaves;
}

class GeneratorAt {
  public:
    explicit GeneratorAt(GeneratorState state) : before_(generator_state()) { set_generator_state(state); }
    ~GeneratorAt() { set_generator_state(before_); }
    GeneratorAt(const GeneratorAt&) = delete;
    GeneratorAt& operator=(const GeneratorAt&) = delete;

  private:
    GeneratorState before_;
};

struct Checkpoint : Function {
    static constexpr auto name = "checkpoint";
    ListFunction f;
    std::vector<Saved> inputs;
    std::vector<bool> wanted;
    std::vector<Ref<TensorImpl>> leaves;  // besides the inputs
    std::vector<std::size_t> recorded;    // which of its results need a gradient
    std::size_t results;
    GeneratorState generator;
    DType autocast;

    Grads backward(const Grads& g) {
        check<AutogradError>(!grad_enabled(),
                             "checkpoint: its backward pass cannot be recorded (create_graph); call the "
                             "function without checkpoint for derivatives of second order");
        std::vector<Tensor> given;
        for (const Saved& input : inputs) given.push_back(input.get());
        const std::vector<Tensor> own = as_leaves(given, wanted);
        const std::vector<Tensor> again = recomputed(own);
        std::vector<Tensor> outputs, gradients, of;
        for (std::size_t i = 0; i < recorded.size(); ++i) {
            outputs.push_back(again[recorded[i]]);
            gradients.push_back(g[i]);
        }
        for (const Tensor& input : own)
            if (input.defined() && input.requires_grad()) of.push_back(input);
        for (const Ref<TensorImpl>& leaf : leaves) of.emplace_back(leaf);
        const std::vector<Tensor> found = gradients_inside(outputs, gradients, of);
        Grads all;
        std::size_t next = 0;
        for (std::size_t i = 0; i < inputs.size(); ++i) all.push_back(wanted[i] ? found[next++] : Tensor());
        while (next < found.size()) all.push_back(found[next++]);
        return all;
    }

    std::vector<Tensor> recomputed(const std::vector<Tensor>& own) const {
        const Recomputing mark;
        const GeneratorAt place(generator);
        const Autocast type(autocast);
        const GradMode mode(true);
        const Unheard silence;
        const Region region;
        std::vector<Tensor> again = f(own);
        const auto differs = [](const char* what) {
            fail<AutogradError>("checkpoint: the function gives other {} when it runs again", what);
        };
        if (again.size() != results) differs("numbers of results");
        for (const std::size_t i : recorded)
            if (!again[i].defined() || !again[i].requires_grad()) differs("results");
        if (leaves_under(again, own, region.number()) != leaves) differs("parameters");
        return again;
    }
};

}  // namespace

std::vector<Tensor> checkpoint_list(const ListFunction& f, std::span<const Tensor> inputs) {
    if (!grad_enabled() || is_observed()) return f(inputs);
    Checkpoint kept;
    kept.f = f;
    kept.generator = generator_state();
    kept.autocast = autocast_type().value_or(DType::f32);
    for (const Tensor& input : inputs) {
        kept.inputs.emplace_back() = input;
        kept.wanted.push_back(input.defined() && input.requires_grad());
    }
    std::vector<Tensor> results;
    {
        const Region region;
        const std::vector<Tensor> own = as_leaves(inputs, kept.wanted);
        results = f(own);
        kept.leaves = leaves_under(results, own, region.number());
    }
    kept.results = results.size();
    std::vector<Tensor> plain;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!results[i].defined() || !results[i].requires_grad()) continue;
        kept.recorded.push_back(i);
        plain.push_back(results[i].detach());
        results[i] = {};  // and its record
    }
    if (plain.empty()) return results;
    std::vector<Edge> edges(inputs.begin(), inputs.end());
    for (const Ref<TensorImpl>& leaf : kept.leaves) edges.emplace_back().leaf = leaf;
    const std::vector<std::size_t> places = kept.recorded;
    plain = record_as(std::move(kept), std::move(edges), [&](Checkpoint&) { return std::move(plain); });
    for (std::size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move(plain[i]);
    return results;
}

}  // namespace adjoint::detail
