// The second derivatives of what a device does in one call: by what the call is composed of. Private.
#pragma once

#include <utility>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/record/function.h>

namespace adjoint::composition {

/// The tensor under a handle of its own in the graph.
struct Alias : Function {
    static constexpr auto name = "alias";
    Tensor forward(const Tensor& x) { return x; }
    Grads backward(const Tensor& g) { return {g}; }
};

/// The gradients of a function in a pass that is itself recorded: the function once more
/// as compose(inputs), a list of its outputs made by operators, so that its gradients
/// can be differentiated again.
template <class F>
Grads gradients(const Function& f, std::vector<Tensor> inputs, const Grads& of_outputs, F compose) {
    // By aliases: one input may be made from another, and its gradient is that of the function alone.
    std::vector<Tensor> wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i].defined() && f.needs(i)) wanted.push_back(inputs[i] = record(Alias(), inputs[i]));
    const std::vector<Tensor> outputs = compose(std::as_const(inputs));
    std::vector<Tensor> upstream;
    for (std::size_t i = 0; i < outputs.size(); ++i) upstream.push_back(of_outputs[i]);
    const std::vector<Tensor> found = grad(outputs, wanted, {.grad_outputs = upstream, .create_graph = true});
    Grads all;
    for (std::size_t i = 0, next = 0; i < inputs.size(); ++i)
        all.push_back(inputs[i].defined() && f.needs(i) ? found[next++] : Tensor());
    return all;
}

}  // namespace adjoint::composition
