// The walk from a loss to its leaves.
#include <adjoint/train/leaves.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <adjoint/autograd/record/node.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/base/warning.h>

namespace adjoint::train {
namespace {

// The leaves under a result, each once.
std::vector<const TensorImpl*> leaves_of(const Tensor& result) {
    std::vector<Node*> nodes;
    std::vector<const TensorImpl*> leaves;
    std::unordered_set<const void*> seen;
    const auto visit = [&](const Edge& edge) {
        if (edge.node && seen.insert(edge.node.get()).second) nodes.push_back(node_of(edge.node));
        if (edge.leaf && seen.insert(edge.leaf.get()).second) leaves.push_back(edge.leaf.get());
    };
    visit(Edge(result));
    for (std::size_t i = 0; i < nodes.size(); ++i)
        for (const Edge& edge : nodes[i]->edges()) visit(edge);
    return leaves;
}

}  // namespace

void check_leaves(const Tensor& loss, const Trainee& trainee, const optim::Optimizer& optimizer,
                  const data::Batch& batch) {
    const std::vector<const TensorImpl*> leaves = leaves_of(loss);
    std::unordered_set<const TensorImpl*> held;
    for (const Tensor& parameter : optimizer.parameters()) held.insert(&parameter.impl());
    check<ValueError>(
        std::any_of(leaves.begin(), leaves.end(), [&](auto* leaf) { return held.contains(leaf); }),
        "fit: the loss depends on none of the optimizer's {} tensors; it was made for another "
        "model, a clone perhaps",
        held.size());
    if (!warnings_enabled()) return;
    for (const Tensors& own : {batch.inputs(), batch.targets()})
        for (const Tensor& tensor : own) held.insert(&tensor.impl());
    for (const Tensor& parameter : trainee.module.parameters()) held.insert(&parameter.impl());
    std::size_t count = 0;
    const TensorImpl* first = nullptr;
    for (const TensorImpl* leaf : leaves) {
        if (held.contains(leaf) || !leaf->grad) continue;
        if (count++ == 0) first = leaf;
    }
    if (count == 0) return;
    warn_once(
        "leaves that no optimizer holds",
        fmt::format("fit: {} tensors, one of shape {}, receive gradients but are no parameters of the model, "
                    "and no optimizer moves them; register layers with child() and tensors with parameter()",
                    count, first->shape));
}

}  // namespace adjoint::train
