// Activation checkpointing: memory for time. What a function computes on its way is not kept for the backward
// pass; that runs the function again.
//
//     const Tensor y = checkpoint(block, x);
//     const auto [a, b] = checkpoint([=](const Tensor& x, const Tensor& mask) { ... }, x, mask);
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {
namespace detail {

using TensorList = std::vector<Tensor>;
using ListFunction = std::function<TensorList(std::span<const Tensor>)>;
ADJOINT_API TensorList checkpoint_list(const ListFunction& f, std::span<const Tensor> inputs);

template <class Y> std::vector<Tensor> listed(const Y& y) {
    if constexpr (std::is_same_v<Y, Tensor>)
        return {y};
    else if constexpr (std::is_same_v<Y, std::vector<Tensor>>)
        return y;
    else
        return std::apply([](const auto&... each) { return std::vector<Tensor>{each...}; }, y);
}
template <class Y> Y unlisted(std::vector<Tensor> list) {
    if constexpr (std::is_same_v<Y, Tensor>)
        return std::move(list[0]);
    else if constexpr (std::is_same_v<Y, std::vector<Tensor>>)
        return list;
    else
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return Y{std::move(list[I])...}; }
    (std::make_index_sequence<std::tuple_size_v<Y>>());
}

}  // namespace detail

/// f(inputs...), a tensor, a vector, pair, tuple or array of tensors, without what it saves for the backward
/// pass: that calls f once more, on the same inputs, with the same random numbers and the Autocast of the
/// first call, and so has the same bits (a tensor that is used both in f and outside adds what it gets from f
/// first). Running statistics move in the first call alone. f is copied; what it refers to has to live as
/// long, and layers in it have to be in the same mode then. It may hold parameters, and further checkpoints;
/// other results of recorded operations are passed as inputs. Undefined inputs stay so.
/// Works inside a captured step. Without recording, and where an Observer listens, it is just f(inputs...).
/// errors: AutogradError if f uses a recorded result that is not among its inputs; in the backward pass if it
/// gives something else than in the first call, if an input was modified in place since, and if the pass is
/// itself recorded (create_graph): there are no derivatives of second order through it.
/// source: Chen et al., Training deep nets with sublinear memory cost, 2016.
template <class F, std::same_as<Tensor>... X>
requires std::invocable<const F&, const X&...>
auto checkpoint(F f, const X&... inputs) {
    using Y = std::remove_cvref_t<std::invoke_result_t<const F&, const X&...>>;
    const std::array<Tensor, sizeof...(X)> list{inputs...};
    const auto of_list = [f = std::move(f)](std::span<const Tensor> x) {
        return [&]<std::size_t... I>(std::index_sequence<I...>) { return detail::listed<Y>(f(x[I]...)); }
        (std::index_sequence_for<X...>());
    };
    return detail::unlisted<Y>(detail::checkpoint_list(of_list, list));
}

}  // namespace adjoint
