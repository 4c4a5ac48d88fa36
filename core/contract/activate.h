// The activations of an epilogue as functors, and as a pass of their own.
#pragma once

#include <adjoint/core/contract/calls/matmul.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/functors/activation.h>

namespace adjoint {

class Backend;

/// f(functor) of an activation; of none it is Copy.
template <class F> decltype(auto) visit_activation(Activation activation, F f) {
    switch (activation) {
        case Activation::none:
            break;
        case Activation::relu:
            return f(functor::Relu{});
        case Activation::gelu:
            return f(functor::Gelu{});
        case Activation::gelu_tanh:
            return f(functor::GeluTanh{});
        case Activation::silu:
            return f(functor::Silu{});
        case Activation::tanh:
            return f(functor::Tanh{});
        case Activation::sigmoid:
            return f(functor::Sigmoid{});
    }
    return f(functor::Copy{});
}

namespace call {

/// The same product without its activation, written to where `activate` finds the sums.
MatMul without_activation(const MatMul& product);
/// result = activation(sums), where a product wrote them to epilogue.sums_or(result); dense.
void activate(Backend& backend, const Epilogue& epilogue, const Operand& result, std::int64_t numel);

}  // namespace call
}  // namespace adjoint
