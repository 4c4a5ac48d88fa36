// The graph: a node per recorded operation, with edges to the nodes and leaves its inputs came from.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// A short list of gradients, one per input; an undefined tensor stands for zero.
class Grads {
  public:
    Grads() = default;
    Grads(std::initializer_list<Tensor> grads) {
        for (const Tensor& g : grads) push_back(g);
    }
    template <class... Ts>
    requires(std::is_same_v<std::remove_cvref_t<Ts>, Tensor>&&...) explicit(false)
        Grads(Tensor first, Ts&&... rest) {
        push_back(std::move(first));
        (push_back(std::forward<Ts>(rest)), ...);
    }
    Grads(const Grads&) = default;
    Grads& operator=(const Grads&) = default;
    /// Leaves `other` empty.
    Grads(Grads&& other) noexcept : count_(std::exchange(other.count_, 0)) {
        for (std::size_t i = 0; i < std::min(count_, inline_count); ++i)
            first_[i] = std::move(other.first_[i]);
        if (count_ > inline_count) [[unlikely]]
            more_ = std::move(other.more_);
    }
    Grads& operator=(Grads&& other) noexcept {
        std::swap(first_, other.first_);
        std::swap(more_, other.more_);
        std::swap(count_, other.count_);
        return *this;
    }

    void push_back(Tensor g) {
        if (count_ < inline_count) {
            first_[count_] = std::move(g);
        } else {
            more_.push_back(std::move(g));
        }
        ++count_;
    }
    std::size_t size() const noexcept { return count_; }
    Tensor& operator[](std::size_t i) noexcept {
        return i < inline_count ? first_[i] : more_[i - inline_count];
    }
    const Tensor& operator[](std::size_t i) const noexcept {
        return i < inline_count ? first_[i] : more_[i - inline_count];
    }

  private:
    static constexpr std::size_t inline_count = 4;
    std::array<Tensor, inline_count> first_;
    std::vector<Tensor> more_;
    std::size_t count_ = 0;
};

/// Where the gradient of an input goes: to an output of the node that produced it, to a leaf, or nowhere.
struct ADJOINT_API Edge {
    Ref<Producer> node;
    Ref<TensorImpl> leaf;
    std::uint32_t index = 0;

    Edge() = default;
    explicit Edge(const Tensor& input);
    bool empty() const noexcept { return !node && !leaf; }
};

/// What the engine knows of an output of a node.
struct OutputInfo {
    Shape shape;
    DType dtype = DType::f32;
    Device device;
    TensorImpl* retained = nullptr;  // the tensor that asked to keep its gradient, while it lives
    std::unique_ptr<std::vector<TensorHook>> hooks;
};

/// A recorded operation. Derived classes hold the function with what it saved.
class ADJOINT_API Node : public Producer, public Pooled {
  public:
    /// Gradients of the inputs from those of the outputs.
    virtual Grads backward(const Grads& outputs) = 0;
    /// The same where the one output has one element and its gradient is 1, if the function made them in its
    /// forward pass: a loss, at which the backward pass begins.
    virtual std::optional<Grads> backward_of_one() { return std::nullopt; }
    /// Drops what the forward pass saved.
    virtual void release_saved() noexcept = 0;
    virtual bool released() const noexcept = 0;
    /// A tensor that retained its gradient is gone.
    void forget(std::uint32_t output) noexcept final;

    std::span<Edge> edges() noexcept { return edges_; }
    std::size_t output_count() const noexcept { return 1 + more_outputs_.size(); }
    OutputInfo& output(std::size_t i) noexcept { return i == 0 ? output_ : more_outputs_[i - 1]; }
    /// One more than the deepest input: every consumer of a node is deeper than the node.
    std::uint32_t depth() const noexcept { return depth_; }
    /// The detail::Region in which it was recorded, 0 outside of all.
    std::uint32_t region() const noexcept { return region_; }

    /// Frees a graph of any depth without recursion.
    void destroy() noexcept final;

  protected:
    Node() = default;
    ~Node() override = default;
    void set_edges(std::span<Edge> edges) noexcept;
    void add_output(std::size_t index, const Tensor& output);

  private:
    std::span<Edge> edges_;  // storage in the derived class
    std::uint32_t depth_ = 0, region_ = 0;
    OutputInfo output_;
    std::vector<OutputInfo> more_outputs_;
    Node* next_dead_ = nullptr;
};

inline Node* node_of(const Ref<Producer>& producer) noexcept { return static_cast<Node*>(producer.get()); }

/// The node whose backward pass runs on this thread, null outside of one.
ADJOINT_API Node* running_node() noexcept;
ADJOINT_API void set_running_node(Node* node) noexcept;

}  // namespace adjoint
