// What export leaves as it was, what it says, and what it does not take.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "onnx/export/exported.h"
#include "onnx/models.h"

namespace adjoint::onnx {
namespace {

std::string warnings_of(const std::function<void()>& f) {
    std::string heard;
    set_warning_handler([&](const std::string& message) { heard += message + "\n"; });
    f();
    set_warning_handler({});
    return heard;
}

TEST(ExportHonesty, ModulesInAFunctionAreInEvaluationMode) {
    const nn::BatchNorm1d norm(3);
    const nn::Dropout dropout(0.5);
    for (int i = 0; i < 3; ++i) norm(randn({8, 3}) * 2 + 1);
    const nn::NamedTensors before = nn::clone(norm).state();
    const auto f = [&](const Tensor& x) { return dropout(norm(x)); };
    const Model model = to_model(f, {randn({4, 3})});
    EXPECT_EQ(operators(model), Texts{"BatchNormalization"});
    for (std::size_t i = 0; i < before.size(); ++i)
        EXPECT_TRUE(equal(norm.state()[i].second, before[i].second)) << before[i].first;
    EXPECT_TRUE(norm.is_training() && dropout.is_training());
    const nn::EvaluationMode mode;
    const Tensor x = randn({4, 3});
    EXPECT_TRUE(allclose(Network(model)(x), f(x), 1e-5, 1e-6));
}

TEST(ExportHonesty, EveryModuleKeepsItsMode) {
    const nn::Sequential net(nn::Linear(3, 3), nn::BatchNorm1d(3));
    net.at<nn::BatchNorm1d>(1).eval();
    to_model(net, {randn({4, 3})});
    EXPECT_TRUE(net.is_training());
    EXPECT_FALSE(net.at<nn::BatchNorm1d>(1).is_training());
}

struct Branching : nn::Module {
    const nn::Linear first = child("first", nn::Linear(3, 3));
    const nn::Linear second = child("second", nn::Linear(3, 3));
    Tensor operator()(const Tensor& x) const {
        const Tensor h = first(x);
        return sum(square(h)).item() >= 0 ? second(h) : h;
    }
};

TEST(ExportHonesty, ABranchOnElementsIsSaid) {
    const Branching net;
    const std::string heard = warnings_of([&] { to_model(net, {ones({2, 3})}); });
    EXPECT_NE(heard.find("near layer first the model reads elements on the host (item()"), std::string::npos)
        << heard;
    // Of what is the same for all inputs, and of what our own functions look at to check it, nothing is said.
    const Tensor table = randn({5, 3});
    const auto f = [&](const Tensor& x) {
        const Tensor y = one_hot(argmax(x, 1), 3).to(f32) * net.first.weight(0, 0).item();
        return y + table(argmax(x, 1)) + binary_cross_entropy(sigmoid(x), ones({2, 3}));
    };
    EXPECT_EQ(warnings_of([&] { to_model(f, {randn({2, 3})}, {.module = &net}); }), "");
}

TEST(ExportHonesty, PlacesMayCountFromTheEnd) {
    const Tensor table = randn({5, 3});
    const auto f = [&](const Tensor& places) { return table(places); };
    const Network network(to_model(f, {tensor({0, 4, 2}).to(i64)}));
    const Tensor places = tensor({-1, 1, -5}).to(i64);
    EXPECT_TRUE(equal(network(places), f(places)));
}

TEST(ExportHonesty, ALoadedModelThatNeverRan) {
    Graph graph{.name = "shapes"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 2, 3})};
    graph.outputs = {tensor_info("y", ElementType::f32, {-1, 6})};
    graph.initializers = {tensor_value("zero", tensor<std::int64_t>({0}, {1})),
                          tensor_value("rest", tensor<std::int64_t>({-1}, {1}))};
    graph.nodes = {node("Shape", {"x"}, {"shape"}), node("Gather", {"shape", "zero"}, {"n"}),
                   node("Concat", {"n", "rest"}, {"sizes"}, {{"axis", std::int64_t{0}}}),
                   node("Reshape", {"x", "sizes"}, {"h"}), node("Relu", {"h"}, {"y"})};
    const Model model = model_of(graph);
    const Tensor x = randn({4, 2, 3});
    EXPECT_EQ(operators(to_model(Network(model), {x})), (Texts{"Reshape", "Relu"}));
    // It may have run with some of the sizes.
    const ExportOptions options{.dynamic_axes = {{"x", {{0, "n"}}}}};
    for (const bool ran : {false, true}) {
        const Network network(model);
        if (ran) network(x);
        EXPECT_EQ(Network(to_model(network, {x}, options))(randn({7, 2, 3})).shape(), Shape({7, 6}));
    }
}

TEST(ExportHonesty, NamesAreGivenOnce) {
    const auto f = [](const auto& in) { return in; };
    const std::vector<Tensor> x{ones({2, 3})};
    expect_refused(f, x, {"the name of an input is empty"}, {.names = {.inputs = {""}}});
    expect_refused(f, x, {"the name of an output is empty"}, {.names = {.outputs = {""}}});
    expect_refused(f, x, {"axis 0 of input x has no name"}, {.dynamic_axes = {{"x", {{0, ""}}}}});
    expect_refused(f, {x[0], x[0]}, {"a is the name of an input and of another"},
                   {.names = {.inputs = {"a", "a"}}});
    expect_refused(f, {x[0], x[0]}, {"b is the name of an output and of another"},
                   {.names = {.outputs = {"b", "b"}}});
    const nn::Linear layer(3, 3);
    expect_refused([&](const auto& in) { return std::vector<Tensor>{layer(in[0])}; }, x,
                   {"weight is the name of an input and of another"},
                   {.names = {.inputs = {"weight"}}, .module = &layer});
}

TEST(ExportHonesty, WhatALayerGivesAsAStruct) {
    const nn::LSTM lstm(3, 4);
    const Tensor x = randn({5, 2, 3});
    const auto names = [](const Model& model) {
        Texts list;
        for (const ValueInfo& output : model.graph.outputs) list.push_back(output.name);
        return list;
    };
    const Model model = to_model(lstm, {x}, {.dynamic_axes = {{"x", {{0, "t"}, {1, "n"}}}}});
    EXPECT_EQ(names(model), (Texts{"output", "h_n", "c_n"}));
    const Tensor longer = randn({9, 1, 3});
    const nn::LSTMOutput expected = lstm(longer);
    const std::vector<Tensor> got = Network(model)({longer});
    ASSERT_EQ(got.size(), 3u);
    EXPECT_TRUE(allclose(got[0], expected.output, 1e-5, 1e-6));
    EXPECT_TRUE(allclose(got[1], expected.h_n, 1e-5, 1e-6));
    EXPECT_TRUE(allclose(got[2], expected.c_n, 1e-5, 1e-6));
    EXPECT_EQ(names(to_model(nn::GRU(3, 4), {x})), (Texts{"output", "h_n"}));
    EXPECT_EQ(names(to_model(nn::GRU(3, 4), {x}, {.names = {.outputs = {"a", "b"}}})), (Texts{"a", "b"}));
    EXPECT_EQ(
        names(to_model(nn::MultiheadAttention(4, 2), {randn({5, 2, 4}), randn({5, 2, 4}), randn({5, 2, 4})})),
        (Texts{"output", "weights"}));
    EXPECT_EQ(names(to_model([](const Tensor& y) { return topk(y, 2); }, {x})), (Texts{"values", "indices"}));
}

// Channels of the one are not the outputs of the other.
TEST(ExportHonesty, NormalisationBehindALinearLayerOverSequences) {
    const nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4));
    for (int i = 0; i < 3; ++i) net(randn({8, 4, 3}) * 2 + 1);
    net.eval();
    const Tensor x = randn({2, 4, 3});
    const NoGrad guard;
    EXPECT_TRUE(allclose(Network(to_model(net, {x}, {.fold_batch_norm = true}))(x), net(x), 1e-4, 1e-5));
}

}  // namespace
}  // namespace adjoint::onnx
