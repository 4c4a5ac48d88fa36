// GoogleTest assertions on derivatives: EXPECT_GRAD_OK(f, x, y) holds f's gradient
// against finite differences.
//
//     Tensor x = randn({2, 3}, {.dtype = f64, .requires_grad = true});
//     EXPECT_GRAD_OK([](const Tensor& t) { return tanh(t); }, x);
//     EXPECT_GRADGRAD_OK([](const Tensor& t) { return tanh(t); }, x);
#pragma once

#include <gtest/gtest.h>

#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/autograd/backward/gradcheck.h>

namespace adjoint::detail {

// f over separate tensors as a function of a list.
template <class F, std::size_t... I> auto over_list(F f, std::index_sequence<I...>) {
    return [f](const std::vector<Tensor>& inputs) { return f(inputs[I]...); };
}

inline ::testing::AssertionResult as_assertion(const GradcheckResult& result) {
    return result.ok ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << result.message;
}

template <class F, class... Inputs>
requires(std::is_convertible_v<const Inputs&, const Tensor&>&&...)::testing::AssertionResult
    grad_ok(F f, const Inputs&... inputs) {
    return as_assertion(gradcheck(over_list(f, std::index_sequence_for<Inputs...>{}), {inputs...}));
}

template <class F, class... Inputs>
requires(std::is_convertible_v<const Inputs&, const Tensor&>&&...)::testing::AssertionResult
    gradgrad_ok(F f, const Inputs&... inputs) {
    return as_assertion(gradgradcheck(over_list(f, std::index_sequence_for<Inputs...>{}), {inputs...}));
}

}  // namespace adjoint::detail

/// The gradient of f(inputs...) agrees with finite differences.
#define EXPECT_GRAD_OK(...) EXPECT_TRUE(::adjoint::detail::grad_ok(__VA_ARGS__))
/// So does the gradient of its gradient.
#define EXPECT_GRADGRAD_OK(...) EXPECT_TRUE(::adjoint::detail::gradgrad_ok(__VA_ARGS__))
