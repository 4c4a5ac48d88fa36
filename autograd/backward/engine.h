// The backward pass.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <adjoint/autograd/record/node.h>
#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

struct GradOptions {
    std::vector<Tensor> grad_outputs =
        {};                     ///< one per output; left out, each output has one element and it is 1
    bool retain_graph = false;  ///< keep what was saved for another pass; implied by create_graph
    bool create_graph = false;  ///< record the pass itself, for derivatives of higher order
    bool allow_unused = false;  ///< an input that the outputs do not depend on gives an undefined tensor
    /// Called by backward() once for each leaf that the pass reaches, when it adds no more to its grad(), in
    /// the midst of the pass wherever that is known: what is done with gradients can begin early.
    std::function<void(const Tensor& leaf)> on_leaf = {};
};

/// d(sum of outputs . grad_outputs) / d(inputs), without touching anyone's grad().
/// shapes: one result per input, of its shape.
/// errors: AutogradError for an input that is not reached (unless allow_unused) or a graph that was freed.
ADJOINT_API std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                                     const GradOptions& options = {});
ADJOINT_API Tensor grad(const Tensor& output, const Tensor& input, const GradOptions& options = {});

/// Adds the gradients of sum(outputs . gradients) to grad() of every leaf. Threads may do so at once for
/// graphs of their own, also with leaves in common; grad() is read when they are done.
ADJOINT_API void backward(std::span<const Tensor> outputs, const GradOptions& options = {});

namespace detail {

/// What the leaves `inputs` get of a pass that is part of another: hooks of leaves are left to that one, and
/// an input that is not reached gives an undefined tensor.
std::vector<Tensor> gradients_inside(std::span<const Tensor> outputs, std::vector<Tensor> grad_outputs,
                                     std::span<const Tensor> inputs);

}  // namespace detail
}  // namespace adjoint
