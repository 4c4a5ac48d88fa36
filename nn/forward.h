// The forward pass of any module as one function of any number of tensors.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/nn/module.h>

namespace adjoint::nn {

/// A model as a function of its inputs.
using Forward = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

namespace detail {

[[noreturn]] ADJOINT_API void throw_input_count(const Module& model, std::size_t given);

/// What a model gives, as a list: a tensor, a list, a tuple, or a struct, of which the first counts.
template <class Y> std::vector<Tensor> as_tensors(Y y) {
    if constexpr (std::is_same_v<Y, std::vector<Tensor>>)
        return y;
    else if constexpr (requires { std::tuple_size<Y>::value; })
        return std::apply([](const auto&... each) { return std::vector<Tensor>{Tensor(each)...}; }, y);
    else if constexpr (std::convertible_to<Y, Tensor>)
        return {Tensor(std::move(y))};
    else
        return {first_output(y)};
}

template <std::size_t> using One = const Tensor&;

/// The results of model(t[0], .. t[N - 1]), of the N in the list that is as long as t; none if there is none
/// or the model does not take so many.
template <class M, std::size_t... N>
std::optional<std::vector<Tensor>> called_with(const M& model, const std::vector<Tensor>& t,
                                               std::index_sequence<N...>) {
    std::optional<std::vector<Tensor>> results;
    const auto call = [&]<std::size_t... I>(std::index_sequence<I...>) {
        if constexpr (std::is_invocable_v<const M&, One<I>...>)
            if (t.size() == sizeof...(I)) results = as_tensors(model(t[I]...));
    };
    (call(std::make_index_sequence<N>()), ...);
    return results;
}
template <class M>
std::optional<std::vector<Tensor>> called_one_by_one(const M& model, const std::vector<Tensor>& inputs) {
    return called_with(model, inputs, std::index_sequence<1, 2, 3, 4, 5, 6>());
}

}  // namespace detail

/// The results of a model that takes a list, or up to six tensors, and gives one, a list, a tuple or a
/// struct, of which the first counts.
/// errors, when it is called: ValueError where the model does not take so many.
template <IsModule M> Forward forward_of(const M& model) {
    return [model](const std::vector<Tensor>& inputs) -> std::vector<Tensor> {
        if constexpr (std::is_invocable_v<const M&, const std::vector<Tensor>&>) {
            return detail::as_tensors(model(inputs));
        } else {
            std::optional<std::vector<Tensor>> results = detail::called_one_by_one(model, inputs);
            if (!results) detail::throw_input_count(model, inputs.size());
            return *std::move(results);
        }
    };
}

}  // namespace adjoint::nn
