// What tests of layers share: names, fixed values, gradients for every parameter.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/module.h>

namespace adjoint::nn {

inline std::vector<std::string> names(const NamedTensors& tensors) {
    std::vector<std::string> result;
    for (const auto& [name, tensor] : tensors) result.push_back(name);
    return result;
}

/// cos(0.3 k)
inline Tensor wave(const Shape& shape) {
    std::vector<double> values(static_cast<std::size_t>(shape.numel()));
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = std::cos(0.3 * static_cast<double>(k));
    return tensor(values, shape);
}

/// Element k of the n-th tensor becomes sin(1 + n + 0.7 k) / 2.
inline void set_waves(const std::vector<Tensor>& tensors) {
    for (std::size_t n = 0; n < tensors.size(); ++n) {
        std::vector<double> values(static_cast<std::size_t>(tensors[n].numel()));
        for (std::size_t k = 0; k < values.size(); ++k)
            values[k] = std::sin(1 + static_cast<double>(n) + 0.7 * static_cast<double>(k)) / 2;
        tensors[n].detach().copy_(tensor(values, tensors[n].shape()));
    }
}

inline void copy_values(const std::vector<Tensor>& from, const std::vector<Tensor>& to) {
    ASSERT_EQ(from.size(), to.size());
    for (std::size_t i = 0; i < from.size(); ++i) to[i].detach().copy_(from[i].detach());
}

inline void expect_near(const Tensor& got, const std::vector<double>& expected) {
    const std::vector<double> values = got.detach().to_vector<double>();
    ASSERT_EQ(values.size(), expected.size());
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-10) << "at " << i;
}

/// The gradients of a weighted sum of f(module, x) by x and by every parameter against central differences.
template <class M, class F> void expect_gradients(const M& module, const Tensor& x, F f) {
    x.set_requires_grad();
    const auto loss = [&] {
        const Tensor y = f(module, x);
        return sum(y * (wave(y.shape()) + 0.5));
    };
    NamedTensors inputs = module.named_parameters();
    inputs.emplace_back("input", x);
    for (const auto& [name, tensor] : inputs) tensor.set_grad({});
    loss().backward();
    for (const auto& [name, input] : inputs) {
        const Tensor& tensor = input;  // a lambda captures no structured binding
        ASSERT_TRUE(tensor.grad().defined()) << name;
        const std::vector<double> gradient = tensor.grad().template to_vector<double>(),
                                  values = tensor.detach().template to_vector<double>();
        for (std::size_t k = 0; k < values.size(); ++k) {
            const auto at = [&](double shift) {
                std::vector<double> moved = values;
                moved[k] += shift;
                tensor.detach().copy_(adjoint::tensor(moved, tensor.shape()));
                return loss().item();
            };
            const double difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            at(0);
            EXPECT_NEAR(gradient[k], difference, 1e-8 + 1e-7 * std::abs(difference)) << name << " at " << k;
        }
    }
}

}  // namespace adjoint::nn
