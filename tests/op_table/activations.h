// The activations that an epilogue does, and what they are.
#pragma once

#include <cmath>
#include <vector>

#include <adjoint/core/contract/epilogue.h>

namespace adjoint::table {

struct ActivationCase {
    const char* name;
    Activation activation;
    double (*reference)(double x);
};

inline const std::vector<ActivationCase>& activation_cases() {
    static const std::vector<ActivationCase> all{
        {"relu", Activation::relu, [](double x) { return std::fmax(0.0, x); }},
        {"gelu", Activation::gelu, [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2)); }},
        {"gelu_tanh", Activation::gelu_tanh,
         [](double x) {
             return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * std::pow(x, 3))));
         }},
        {"silu", Activation::silu, [](double x) { return x / (1 + std::exp(-x)); }},
        {"tanh", Activation::tanh, [](double x) { return std::tanh(x); }},
        {"sigmoid", Activation::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
    };
    return all;
}

}  // namespace adjoint::table
