// Edges, the life of nodes, and the modes of the recording thread.
#include <adjoint/autograd/record/node.h>

#include <algorithm>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/autograd/record/recompute.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/span.h>

namespace adjoint {

constinit thread_local std::uint8_t detail::mode = detail::recording;

namespace {

constinit thread_local bool anomaly = false;
constinit thread_local Node* running = nullptr;
constinit thread_local Node* dead = nullptr;
constinit thread_local bool burying = false;

}  // namespace

bool anomaly_enabled() noexcept { return anomaly; }
void set_anomaly_enabled(bool enabled) noexcept { anomaly = enabled; }
Node* running_node() noexcept { return running; }
void set_running_node(Node* node) noexcept { running = node; }

Edge::Edge(const Tensor& input) {
    if (!input.defined()) return;
    const TensorImpl& impl = input.impl();
    if (!impl.requires_grad) return;
    if (impl.producer) {
        node = impl.producer;
        index = impl.output_index;
    } else {
        leaf = input.ref();
    }
}

void Node::set_edges(std::span<Edge> edges) noexcept {
    edges_ = edges;
    region_ = detail::current_region();
    if (detail::spans_wanted()) [[unlikely]]
        detail::note_node(this);
    for (const Edge& edge : edges_)
        if (edge.node) depth_ = std::max(depth_, node_of(edge.node)->depth_ + 1);
}

void Node::add_output(std::size_t index, const Tensor& tensor) {
    if (index > more_outputs_.size()) more_outputs_.emplace_back();
    OutputInfo& info = output(index);
    info.shape = tensor.shape();
    info.dtype = tensor.dtype();
    info.device = tensor.device();
    if (!is_floating(tensor.dtype())) return;
    TensorImpl& impl = tensor.impl();
    impl.requires_grad = true;
    impl.output_index = static_cast<std::uint32_t>(index);
    impl.producer = Ref<Producer>::share(this);
}

void Node::forget(std::uint32_t output_index) noexcept { output(output_index).retained = nullptr; }

void Node::destroy() noexcept {
    // Deleting a node drops its edges and saved tensors, which may come back here for other nodes; these
    // queue up instead of recursing.
    next_dead_ = dead;
    dead = this;
    if (burying) return;
    burying = true;
    while (Node* node = dead) {
        dead = node->next_dead_;
        delete node;
    }
    burying = false;
}

}  // namespace adjoint
