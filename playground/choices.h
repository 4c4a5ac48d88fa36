// The tables of the playground: what goes by a name, what it does, and how a program says it.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <adjoint/nn/sequential.h>
#include <adjoint/optim/optimizer.h>
#include <adjoint/playground/points.h>

namespace adjoint::playground {

struct DataSet {
    std::string_view name;
    std::string_view code;  // the function's name
    Points (*draw)(std::int64_t count, double noise);
    bool classes;
};
struct Feature {
    std::string_view name;
    std::string_view code;  // of x1 and x2
    Tensor (*of)(const Tensor& x1, const Tensor& x2);
};
struct ActivationChoice {
    std::string_view name, code;
    nn::Layer (*make)();
};
struct OptimizerChoice {
    std::string_view name;
    std::string_view kind, options;  // of optim::kind optimizer(net.parameters(), {options})
    std::unique_ptr<optim::Optimizer> (*make)(const std::vector<Tensor>& parameters, double rate);
};
struct InitChoice {
    std::string_view name;
    std::string_view code;  // of weight; empty for what the layer draws itself
    void (*fill)(const Tensor& weight);
};
struct Penalty {
    std::string_view name;
    std::string_view code;  // of weight; empty for none
    Tensor (*of)(const Tensor& weight);
};

std::span<const DataSet> data_sets();
std::span<const Feature> features();
std::span<const ActivationChoice> activations();
std::span<const OptimizerChoice> optimizers();
std::span<const InitChoice> inits();
std::span<const Penalty> penalties();

/// All names and limits as JSON, for the page.
std::string choices_as_json();

}  // namespace adjoint::playground
