// The activations of an epilogue as functors, and as a pass of their own.
#pragma once

#include <adjoint/core/contract/calls/matmul.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/functors/activation.h>
#include <adjoint/core/contract/functors/list.h>

namespace adjoint {

class Backend;

namespace functor {

/// The activations, in the order of the enum behind `none`.
using Activations = FunctorList<Relu, Gelu, GeluTanh, Silu, Tanh, Sigmoid>;
static_assert(Activations::size == static_cast<std::size_t>(last_activation));

}  // namespace functor

namespace detail {

template <class First, class... Rest, class F>
decltype(auto) visit_functor(FunctorList<First, Rest...>, int number, F& f) {
    if (number == 0) return f(First{});
    if constexpr (sizeof...(Rest) > 0)
        return visit_functor(FunctorList<Rest...>{}, number - 1, f);
    else
        return f(functor::Copy{});
}

}  // namespace detail

/// f(functor) of an activation; of none it is Copy.
template <class F> decltype(auto) visit_activation(Activation activation, F f) {
    if (activation == Activation::none) return f(functor::Copy{});
    return detail::visit_functor(functor::Activations{}, static_cast<int>(activation) - 1, f);
}

namespace call {

/// The same product without its activation, written to where `activate` finds the sums.
MatMul without_activation(const MatMul& product);
/// result = activation(sums), where a product wrote them to epilogue.sums_or(result); dense.
void activate(Backend& backend, const Epilogue& epilogue, const Operand& result, std::int64_t numel);
/// dz = g f'(saved), dense; the activation is not none.
void activate_backward(Backend& backend, Activation activation, const Operand& dz, const void* g,
                       const void* saved, std::int64_t numel);

}  // namespace call
}  // namespace adjoint
