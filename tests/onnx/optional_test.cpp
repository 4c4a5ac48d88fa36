// Initializers that are inputs, too: defaults that a caller may override by name.
#include <gtest/gtest.h>

#include <adjoint/onnx/import/compile.h>

#include "models.h"

namespace adjoint::onnx {
namespace {

using NamedInputs = std::map<std::string, Tensor>;

/// reshape(x w, shape) + bias, of which w, shape and bias are listed as inputs, as IR version 3 wants it.
Model model_with_defaults() {
    Graph graph{.name = "g"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 2}), tensor_info("w", ElementType::f32, {2, 2}),
                    tensor_info("shape", ElementType::i64, {1}), tensor_info("bias", ElementType::f32, {})};
    graph.outputs = {{.name = "y"}};
    graph.initializers = {tensor_value("w", tensor<float>({1, 2, 3, 4}, {2, 2})),
                          tensor_value("shape", tensor<std::int64_t>({-1}, {1})),
                          tensor_value("bias", Tensor(0.5F))};
    graph.nodes = {node("MatMul", {"x", "w"}, {"xw"}), node("Reshape", {"xw", "shape"}, {"flat"}),
                   node("Neg", {"bias"}, {"minus"}), node("Neg", {"minus"}, {"plus"}),
                   node("Add", {"flat", "plus"}, {"y"})};
    Model model = model_of(graph);
    model.ir_version = 3;
    return model;
}

std::string optional_error(const Network& network, const NamedInputs& inputs) {
    try {
        (void)network(inputs);
        return "no error";
    } catch (const Error& error) {
        return error.what();
    }
}

TEST(Optional, DefaultsAreUsedUnlessTheyAreGiven) {
    const NoGrad guard;
    const Network network(model_with_defaults());
    ASSERT_EQ(network.inputs().size(), 1U);
    std::vector<std::string> names;
    for (const ValueInfo& info : network.optional_inputs()) names.push_back(info.name);
    EXPECT_EQ(names, (std::vector<std::string>{"w", "shape", "bias"}));
    // Constants are folded as if nobody could give them.
    EXPECT_EQ(compile(model_with_defaults()).program->steps.size(), 3U);

    const Tensor x = tensor({{1, 0}, {0, 1}});
    using Numbers = std::vector<double>;
    EXPECT_EQ(network(x).to_vector<double>(), (Numbers{1.5, 2.5, 3.5, 4.5}));
    EXPECT_EQ(network(NamedInputs{{"x", x}}).at("y").to_vector<double>(), (Numbers{1.5, 2.5, 3.5, 4.5}));
    EXPECT_EQ(network(NamedInputs{{"x", x}, {"bias", Tensor(1.0F)}}).at("y").to_vector<double>(),
              (Numbers{2, 3, 4, 5}));
    const NamedInputs all{{"x", x},
                          {"w", tensor({{5, 6}, {7, 8}})},
                          {"shape", tensor<std::int64_t>({1, 4}, {2})},
                          {"bias", Tensor(0.0F)}};
    EXPECT_EQ(optional_error(network, all),
              "onnx: the input shape has the shape (2,), expected int64 (1), N = 2");
    NamedInputs fitting = all;
    fitting["shape"] = tensor<std::int64_t>({4}, {1});
    EXPECT_EQ(network(fitting).at("y").to_vector<double>(), (Numbers{5, 6, 7, 8}));
    EXPECT_EQ(network(x).to_vector<double>(), (Numbers{1.5, 2.5, 3.5, 4.5}));

    EXPECT_EQ(optional_error(network, {{"bias", Tensor(1.0F)}}), "onnx: the input \"x\" is missing");
    EXPECT_EQ(optional_error(network, {{"x", x}, {"w", tensor({1, 2})}}),
              "onnx: the input w has the shape (2,), expected float (2, 2), N = 2");
    EXPECT_EQ(optional_error(network, {{"x", x}, {"v", x}}), "onnx: the model has no input \"v\"");
    EXPECT_THROW((void)network(std::vector<Tensor>{x, x}), ValueError);
}

TEST(Optional, GivenOnesDoNotDisturbTheParameters) {
    const Network network(model_with_defaults());
    ASSERT_EQ(network.named_parameters().size(), 1U);
    const Tensor x = tensor({{1, 0}, {0, 1}});
    // The parameter as it is now counts, not as the file has it, and it gets its gradient.
    {
        const NoGrad guard;
        network.parameters()[0].fill_(2);
    }
    const Tensor y = network(NamedInputs{{"x", x}, {"bias", Tensor(1.0F)}}).at("y");
    EXPECT_EQ(y.to_vector<double>(), (std::vector<double>{3, 3, 3, 3}));
    sum(y).backward();
    EXPECT_EQ(network.parameters()[0].grad().to_vector<double>(), (std::vector<double>{1, 1, 1, 1}));
    // A copy has its own.
    const Network copy = nn::clone(network);
    {
        const NoGrad guard;
        copy.parameters()[0].fill_(5);
    }
    EXPECT_EQ(copy(NamedInputs{{"x", x}, {"bias", Tensor(0.0F)}}).at("y").to_vector<double>(),
              (std::vector<double>{5, 5, 5, 5}));
    EXPECT_EQ(network(NamedInputs{{"x", x}, {"bias", Tensor(0.0F)}}).at("y").to_vector<double>(),
              (std::vector<double>{2, 2, 2, 2}));
}

TEST(Optional, TheFileIsNotKeptForThem) {
    const std::string bytes = to_bytes(model_with_defaults());
    std::weak_ptr<const void> content;
    std::optional<Network> network;
    {
        Model model = read(std::as_bytes(std::span(bytes)), "model");
        model.graph.nodes.push_back(
            node("Constant", {}, {"unused"}, {{"value", model.graph.initializers[1], ""}}));
        content = model.graph.initializers[0].bytes.owner;
        network.emplace(model);
    }
    EXPECT_TRUE(content.expired());
    const Tensor x = tensor({{1, 0}, {0, 1}});
    EXPECT_EQ((*network)(NamedInputs{{"x", x}, {"bias", Tensor(1.0F)}}).at("y").to_vector<double>(),
              (std::vector<double>{2, 3, 4, 5}));
}

TEST(Optional, TheInputOfABodyIsGivenWhateverInitializerItHas) {
    Graph body{.name = "body"};
    body.inputs = {{.name = "i"}, {.name = "go"}, {.name = "v"}};
    body.outputs = {{.name = "again"}, {.name = "next"}};
    body.initializers = {tensor_value("v", Tensor(100.0F)), tensor_value("two", Tensor(2.0F))};
    body.nodes = {node("Identity", {"go"}, {"again"}), node("Mul", {"v", "two"}, {"next"})};
    Graph graph{.name = "g"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1})};
    graph.outputs = {{.name = "y"}};
    graph.initializers = {tensor_value("count", Tensor(std::int64_t{3}))};
    graph.nodes = {
        node("Loop", {"count", "", "x"}, {"y"}, {{"body", std::make_shared<const Graph>(body), ""}})};
    EXPECT_EQ(Network(model_of(graph))(tensor({1, 2})).to_vector<double>(), (std::vector<double>{8, 16}));
}

}  // namespace
}  // namespace adjoint::onnx
