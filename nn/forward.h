// The forward pass of any module as one function of any number of tensors.
#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/nn/module.h>

namespace adjoint::nn {

using Forward = std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>;

namespace detail {

[[noreturn]] ADJOINT_API void throw_input_count(const Module& model, std::size_t given);

template <class Y> std::vector<Tensor> all_outputs(Y y) {
    if constexpr (std::is_same_v<Y, std::vector<Tensor>>)
        return y;
    else if constexpr (requires { std::tuple_size<Y>::value; })
        return std::apply([](auto&&... each) { return std::vector<Tensor>{std::move(each)...}; },
                          std::move(y));
    else
        return {first_output(y)};
}

template <std::size_t> using Input = const Tensor&;

template <class M, std::size_t... I>
std::vector<Tensor> forward_with(const M& model, const std::vector<Tensor>& inputs,
                                 std::index_sequence<I...>) {
    if constexpr (std::is_invocable_v<const M&, Input<I>...>)
        return all_outputs(model(inputs[I]...));
    else
        throw_input_count(model, inputs.size());
}

}  // namespace detail

/// The results of model(inputs..), whether it takes a list or up to six tensors, and gives one, a list, a
/// tuple or a struct, of which the first counts.
/// errors: ValueError where the model does not take so many.
template <IsModule M> Forward forward_of(const M& model) {
    return [model](const std::vector<Tensor>& inputs) -> std::vector<Tensor> {
        if constexpr (std::is_invocable_v<const M&, const std::vector<Tensor>&>) {
            return detail::all_outputs(model(inputs));
        } else {
            switch (inputs.size()) {
                case 1:
                    return detail::forward_with(model, inputs, std::make_index_sequence<1>());
                case 2:
                    return detail::forward_with(model, inputs, std::make_index_sequence<2>());
                case 3:
                    return detail::forward_with(model, inputs, std::make_index_sequence<3>());
                case 4:
                    return detail::forward_with(model, inputs, std::make_index_sequence<4>());
                case 5:
                    return detail::forward_with(model, inputs, std::make_index_sequence<5>());
                case 6:
                    return detail::forward_with(model, inputs, std::make_index_sequence<6>());
                default:
                    detail::throw_input_count(model, inputs.size());
            }
        }
    };
}

}  // namespace adjoint::nn
