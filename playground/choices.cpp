// The tables. A row's code is the text of what the row does, so that the two are the same.
#include <adjoint/playground/choices.h>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/nn/init.h>
#include <adjoint/nn/linear.h>
#include <adjoint/optim/adagrad.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/lion.h>
#include <adjoint/optim/rmsprop.h>
#include <adjoint/optim/sgd.h>
#include <adjoint/playground/settings.h>

namespace adjoint::playground {
namespace {

#define ROW_OF_FEATURE(name, ...)                                                                \
    {                                                                                            \
        name, #__VA_ARGS__,                                                                      \
            []([[maybe_unused]] const Tensor& x1, [[maybe_unused]] const Tensor& x2) -> Tensor { \
                return __VA_ARGS__;                                                              \
            }                                                                                    \
    }
constexpr Feature feature_rows[] = {
    ROW_OF_FEATURE("x1", x1),
    ROW_OF_FEATURE("x2", x2),
    ROW_OF_FEATURE("x1^2", square(x1)),
    ROW_OF_FEATURE("x2^2", square(x2)),
    {"x1x2", "x1 * x2", [](const Tensor& x1, const Tensor& x2) -> Tensor { return x1 * x2; }},
    ROW_OF_FEATURE("sin(x1)", sin(x1)),
    ROW_OF_FEATURE("sin(x2)", sin(x2))};
#undef ROW_OF_FEATURE

#define ROW_OF_ACTIVATION(name, ...)                                  \
    {                                                                 \
        name, #__VA_ARGS__, []() -> nn::Layer { return __VA_ARGS__; } \
    }
constexpr ActivationChoice activation_rows[] = {ROW_OF_ACTIVATION("tanh", nn::Tanh()),
                                                ROW_OF_ACTIVATION("relu", nn::ReLU()),
                                                ROW_OF_ACTIVATION("sigmoid", nn::Sigmoid()),
                                                ROW_OF_ACTIVATION("linear", nn::Identity()),
                                                ROW_OF_ACTIVATION("leaky_relu", nn::LeakyReLU(0.1)),
                                                ROW_OF_ACTIVATION("elu", nn::ELU()),
                                                ROW_OF_ACTIVATION("gelu", nn::GELU()),
                                                ROW_OF_ACTIVATION("silu", nn::SiLU()),
                                                ROW_OF_ACTIVATION("softsign", nn::Softsign())};
#undef ROW_OF_ACTIVATION

#define ROW_OF_OPTIMIZER(name, kind, ...)                                                                 \
    {                                                                                                     \
        name, #kind, #__VA_ARGS__,                                                                        \
            [](const std::vector<Tensor>& parameters, double rate) -> std::unique_ptr<optim::Optimizer> { \
                return std::make_unique<optim::kind>(parameters, optim::kind##Options{__VA_ARGS__});      \
            }                                                                                             \
    }
constexpr OptimizerChoice optimizer_rows[] = {
    ROW_OF_OPTIMIZER("sgd", SGD, .lr = rate),
    ROW_OF_OPTIMIZER("momentum", SGD, .lr = rate, .momentum = 0.9),
    ROW_OF_OPTIMIZER("nesterov", SGD, .lr = rate, .momentum = 0.9, .nesterov = true),
    ROW_OF_OPTIMIZER("adagrad", Adagrad, .lr = rate),
    ROW_OF_OPTIMIZER("rmsprop", RMSprop, .lr = rate),
    ROW_OF_OPTIMIZER("adam", Adam, .lr = rate),
    ROW_OF_OPTIMIZER("adamw", AdamW, .lr = rate),
    ROW_OF_OPTIMIZER("nadam", NAdam, .lr = rate),
    ROW_OF_OPTIMIZER("lion", Lion, .lr = rate)};
#undef ROW_OF_OPTIMIZER

#define ROW_OF_INIT(name, ...)                                        \
    {                                                                 \
        name, #__VA_ARGS__, [](const Tensor& weight) { __VA_ARGS__; } \
    }
constexpr InitChoice init_rows[] = {{"default", "", [](const Tensor&) {}},
                                    ROW_OF_INIT("xavier", nn::init::xavier_normal_(weight)),
                                    ROW_OF_INIT("he", nn::init::kaiming_normal_(weight)),
                                    ROW_OF_INIT("orthogonal", nn::init::orthogonal_(weight)),
                                    ROW_OF_INIT("normal", nn::init::normal_(weight, 0, 1)),
                                    ROW_OF_INIT("small", nn::init::normal_(weight, 0, 0.01)),
                                    ROW_OF_INIT("zeros", nn::init::zeros_(weight))};
#undef ROW_OF_INIT

#define ROW_OF_PENALTY(name, ...)                                                      \
    {                                                                                  \
        name, #__VA_ARGS__, [](const Tensor& weight) -> Tensor { return __VA_ARGS__; } \
    }
constexpr Penalty penalty_rows[] = {{"none", "", [](const Tensor&) { return Tensor(); }},
                                    ROW_OF_PENALTY("l1", sum(abs(weight))),
                                    ROW_OF_PENALTY("l2", sum(square(weight)) / 2)};
#undef ROW_OF_PENALTY

constexpr DataSet data_rows[] = {
    {"circle", "circle", circle, true}, {"xor", "exclusive_or", exclusive_or, true},
    {"gauss", "gauss", gauss, true},    {"spiral", "spiral", spiral, true},
    {"plane", "plane", plane, false},   {"hills", "hills", hills, false}};

template <class Row> std::string names_as_json(std::span<const Row> rows) {
    std::string text;
    for (const Row& row : rows) text += (text.empty() ? "\"" : ",\"") + std::string(row.name) + "\"";
    return "[" + text + "]";
}

}  // namespace

std::span<const DataSet> data_sets() { return data_rows; }
std::span<const Feature> features() { return feature_rows; }
std::span<const ActivationChoice> activations() { return activation_rows; }
std::span<const OptimizerChoice> optimizers() { return optimizer_rows; }
std::span<const InitChoice> inits() { return init_rows; }
std::span<const Penalty> penalties() { return penalty_rows; }

std::string choices_as_json() {
    std::string classes;
    for (const DataSet& set : data_sets())
        classes += std::string(classes.empty() ? "" : ",") + (set.classes ? "1" : "0");
    return "{\"data\":" + names_as_json(data_sets()) + ",\"classes\":[" + classes +
           "],\"features\":" + names_as_json(features()) + ",\"activation\":" + names_as_json(activations()) +
           ",\"optimizer\":" + names_as_json(optimizers()) + ",\"init\":" + names_as_json(inits()) +
           ",\"penalty\":" + names_as_json(penalties()) + ",\"mostLayers\":" + std::to_string(most_layers) +
           ",\"mostUnits\":" + std::to_string(most_units) + ",\"mostBatch\":" + std::to_string(most_batch) +
           ",\"mostNoise\":" + std::to_string(most_noise) +
           ",\"mostDropout\":" + std::to_string(most_dropout) + "}";
}

}  // namespace adjoint::playground
