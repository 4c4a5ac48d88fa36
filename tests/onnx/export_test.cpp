// Models that are written: their nodes and names, dynamic sizes, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "onnx/export/exported.h"
#include "onnx/export/networks.h"
#include "op_table/op_table.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

std::vector<std::string> initializers(const Model& model) {
    std::vector<std::string> list;
    for (const TensorValue& tensor : model.graph.initializers) list.push_back(tensor.name);
    return list;
}

struct Small : nn::Module {
    const nn::Linear fc1 = child("fc1", nn::Linear(3, 4));
    const nn::Dropout dropout = child("dropout", nn::Dropout(0.5));
    const nn::Linear fc2 = child("fc2", nn::Linear(4, 2));
    Tensor operator()(const Tensor& x) const { return fc2(dropout(relu(fc1(x)))); }
};

TEST(Export, ALayerIsANodeAndParametersKeepTheirNames) {
    const Small net;
    const Model model = to_model(net, {ones({2, 3})}, {.metadata = {{"made by", "us"}}});
    EXPECT_EQ(operators(model), (Texts{"Gemm", "Relu", "Gemm"}));
    EXPECT_EQ(initializers(model), (Texts{"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}));
    EXPECT_EQ(model.graph.nodes[0].name, "fc1/linear_0");
    EXPECT_EQ(model.graph.inputs.at(0).name, "x");
    EXPECT_EQ(model.graph.outputs.at(0).name, "y");
    EXPECT_EQ(model.graph.outputs.at(0).type.shape->at(1).size, 2);
    EXPECT_EQ(model.producer_name, "adjoint");
    EXPECT_EQ(model.metadata.at("made by"), "us");
    EXPECT_EQ(model.operator_sets.at(0).version, 17);
    EXPECT_TRUE(net.is_training()) << "the mode is what it was";
}

TEST(Export, ADynamicSizeHasItsName) {
    const Small net;
    const Model model = to_model(
        net, {ones({1, 3})},
        {.dynamic_axes = {{"image", {{0, "batch"}}}}, .names = {.inputs = {"image"}, .outputs = {"scores"}}});
    EXPECT_EQ(model.graph.inputs[0].type.shape->at(0).name, "batch");
    EXPECT_EQ(model.graph.outputs[0].type.shape->at(0).name, "batch");
    EXPECT_EQ(model.graph.outputs[0].name, "scores");
    const Network read(model);
    for (const std::int64_t batch : {1, 2, 7})
        EXPECT_TRUE(allclose(read(ones({batch, 3})), [&] {
            net.eval();
            return net(ones({batch, 3}));
        }()));
}

TEST(Export, SeveralInputsAndOutputs) {
    const auto f = [](const Tensor& a, const Tensor& b) { return std::pair(a + b, a * b); };
    const Model model = to_model(f, {ones({2}), ones({2})});
    ASSERT_EQ(model.graph.inputs.size(), 2u);
    EXPECT_EQ(model.graph.inputs[1].name, "x_1");
    ASSERT_EQ(model.graph.outputs.size(), 2u);
    EXPECT_EQ(model.graph.outputs[1].name, "y_1");
    const auto out = Network(model)({full({2}, 3), full({2}, 4)});
    EXPECT_EQ(out[0](0).item(), 7);
    EXPECT_EQ(out[1](0).item(), 12);
    EXPECT_THROW(to_model(f, {ones({2})}), ValueError);
}

TEST(Export, AnOutputThatIsAnInputOrAConstantOrThereTwice) {
    const Tensor c = full({2}, 3);
    const auto f = [&](const std::vector<Tensor>& in) {
        const Tensor y = relu(in[0]);
        return std::vector<Tensor>{in[0], c, y, y};
    };
    const auto out = Network(to_model(f, {ones({2})}))(std::vector<Tensor>{full({2}, 5)});
    EXPECT_EQ(out[0](0).item(), 5);
    EXPECT_EQ(out[1](0).item(), 3);
    EXPECT_EQ(out[2](0).item(), 5);
    EXPECT_EQ(out[3](0).item(), 5);
}

TEST(Export, SharedWeightsAreThereOnce) {
    struct Tied : nn::Module {
        const nn::Linear a = child("a", nn::Linear(3, 3)), b = child("b", nn::Linear(a));
        Tensor operator()(const Tensor& x) const { return b(relu(a(x))); }
    };
    const Model model = to_model(Tied(), {ones({2, 3})});
    EXPECT_EQ(initializers(model), (Texts{"a.weight", "a.bias"}));
}

TEST(Export, WhatIsConstantIsFoldedAndWhatIsNotNeededLeftOut) {
    const Tensor w = randn({3, 3});
    const auto f = [&](const Tensor& x) {
        exp(x);
        return matmul(x, transpose(exp(w) + 1, 0, 1));
    };
    EXPECT_EQ(operators(to_model(f, {ones({2, 3})})), Texts{"MatMul"});
    // Over more dimensions a weight is transposed before it is written.
    EXPECT_EQ(operators(to_model(nn::Linear(3, 4), {ones({2, 5, 3})})), (Texts{"MatMul", "Add"}));
}

TEST(Export, BatchNormalisationIsFoldedOnRequest) {
    const nn::Sequential net(nn::Conv2d(2, 3, 3), nn::BatchNorm2d(3), nn::ReLU(), nn::Flatten(),
                             nn::Linear(12, 4, {.bias = false}), nn::BatchNorm1d(4));
    {
        const NoGrad guard;
        for (int i = 0; i < 3; ++i) net(randn({5, 2, 4, 4}) * 2 + 1);
    }
    const std::vector<Tensor> x{randn({2, 2, 4, 4})};
    EXPECT_EQ(operators(to_model(net, x)),
              (Texts{"Conv", "BatchNormalization", "Relu", "Reshape", "Gemm", "BatchNormalization"}));
    const Model folded = to_model(net, x, {.fold_batch_norm = true});
    EXPECT_EQ(operators(folded), (Texts{"Conv", "Relu", "Reshape", "Gemm"}));
    EXPECT_EQ(initializers(folded), (Texts{"0.weight", "0.bias", "constant_0", "4.weight", "4.bias"}));
    net.eval();
    const NoGrad guard;
    EXPECT_TRUE(allclose(Network(folded)(x[0]), net(x[0]), 1e-4, 1e-5));
}

// Each name stands for one tensor, also where folding has changed what one of two calls computes with.
TEST(Export, LayersThatAreCalledTwice) {
    struct Twice : nn::Module {
        const nn::Linear a = child("a", nn::Linear(4, 4));
        const nn::BatchNorm1d norm = child("norm", nn::BatchNorm1d(4));
        const nn::LSTM memory = child("memory", nn::LSTM(4, 4));
        Tensor operator()(const Tensor& x) const {
            const Tensor y = a(norm(a(x)) + x);
            return memory(memory(unsqueeze(y, 0)).output).output;
        }
    };
    manual_seed(3);
    const Twice net;
    for (int i = 0; i < 3; ++i) net.norm(randn({8, 4}) * 2 + 1);
    net.eval();
    const Tensor x = randn({3, 4});
    for (const bool fold : {false, true}) {
        const Model model = to_model(net, {x}, {.fold_batch_norm = fold});
        Texts names = initializers(model);
        std::ranges::sort(names);
        EXPECT_EQ(std::ranges::adjacent_find(names), names.end()) << fold;
        const NoGrad guard;
        EXPECT_TRUE(allclose(Network(model)(x), net(x), 1e-4, 1e-5)) << fold;
    }
}

TEST(Export, OldAndNewSetsOfOperators) {
    const auto f = [](const Tensor& x) { return mean(mish(gelu(x)), {1}); };
    EXPECT_EQ(operators(to_model(f, {ones({2, 3})}, {.opset = 20})), (Texts{"Gelu", "Mish", "ReduceMean"}));
    const Texts old = operators(to_model(f, {ones({2, 3})}, {.opset = 13}));
    EXPECT_EQ(std::count(old.begin(), old.end(), "Gelu") + std::count(old.begin(), old.end(), "Mish"), 0);
    expect_refused([](const auto& in) { return in; }, {ones({1})}, {"opset 12", "13 to 23"}, {.opset = 12});
}

TEST(Export, WhatDependsOnTheDataIsRefusedByName) {
    const nn::Sequential net(nn::Linear(3, 3));
    const auto with_net = [&](const auto& f) {
        return [&net, f](const std::vector<Tensor>& in) { return std::vector<Tensor>{f(net(in[0]))}; };
    };
    const std::vector<Tensor> x{tensor({{1, 2, 3}, {-4, 5, 6}})};
    const ExportOptions options{.module = &net};
    const auto branch = [](const Tensor& y) { return y(0, 0).item() > 0 ? exp(y) : log(y); };
    expect_refused([&](const auto& in) { return Texts{}, std::vector<Tensor>{branch(in[0] * 2)}; }, x,
                   {"depends on its data", "exp", "log"}, {.other_inputs = {-x[0]}});
    expect_refused(with_net([](const Tensor& y) { return y * Tensor(static_cast<float>(y(0, 0).item())); }),
                   x, {"mul (layer 0)", "sizes or data in another way, or on chance"}, options);
    expect_refused(with_net([](const Tensor& y) { return y * y(0, 0).item(); }), x, {"mul_scalar (layer 0)"},
                   options);
    expect_refused(with_net([](const Tensor& y) { return y + randn({3}); }), x, {"add (layer 0)", "chance"},
                   options);
    expect_refused(with_net([](const Tensor& y) { return dropout(y, 0.5); }), x,
                   {"dropout (layer 0)", "random"}, options);
    expect_refused(with_net([](const Tensor& y) {
                       const Tensor out = zeros({2, 3});
                       out(0) = y(0);
                       return out * 2;
                   }),
                   x, {"layer 0", "written in place"}, options);
}

TEST(Export, AWriteToAWholeTensorIsNone) {
    const auto f = [](const Tensor& in) {
        const Tensor x = in * 1;
        x += ones({3});
        x *= x;
        return x;
    };
    const Tensor y = Network(to_model(f, {ones({3})}))(full({3}, 2));
    EXPECT_EQ(y(0).item(), 9);
}

TEST(Export, ADerivativeMayHaveNoForm) {
    const auto f = [](const std::vector<Tensor>& in) {
        const Tensor x = in[0].detach().set_requires_grad();
        const GradMode mode(true);
        sum(square(max_pool2d(x, 2))).backward();
        return std::vector<Tensor>{x.grad()};
    };
    expect_refused(f, {randn({1, 1, 4, 4})}, {"max_pool_backward", "no form in ONNX"});
}

TEST(Export, SizesThatMoveWithADynamicAxis) {
    const ExportOptions options{.dynamic_axes = {{"x", {{0, "n"}, {1, "t"}}}}};
    const Tensor table = randn({20, 4});
    const auto f = [&](const Tensor& x) {
        const std::int64_t n = x.size(0), t = x.size(1);
        const Tensor flat = reshape(x, {n * t, 4});                        // -1
        const Tensor twice = reshape(cat({flat, flat}, 1), {n, t, 2, 4});  // two computed sizes
        const Tensor placed = twice + unsqueeze(narrow(table, 0, 0, t), 1);
        const Tensor half = narrow(placed, 1, 0, t - 1), last = narrow(placed, 1, t - 1, 1);
        const Tensor steps = unsqueeze(unsqueeze(arange(t - 1), 1), 1).to(f32);
        return half * steps + expand(last, half.shape()) + zeros({n, 1, 1, 1});
    };
    const Network network(to_model(f, {randn({1, 3, 4})}, options));
    for (const Shape& shape : {Shape{1, 2, 4}, Shape{5, 7, 4}, Shape{3, 4, 4}}) {
        const Tensor x = randn(shape);
        EXPECT_TRUE(allclose(network(x), f(x), 1e-5, 1e-6)) << shape[1];
    }
}

TEST(Export, OptionsThatDoNotFit) {
    const auto f = [](const auto& in) { return in; };
    const std::vector<Tensor> x{ones({2, 3})};
    expect_refused(f, {}, {"no inputs"});
    expect_refused(f, x, {"dynamic axes of z", "x"}, {.dynamic_axes = {{"z", {{0, "n"}}}}});
    expect_refused(f, x, {"axis 2"}, {.dynamic_axes = {{"x", {{2, "n"}}}}});
    expect_refused(f, x, {"size n is 2 and 3"}, {.dynamic_axes = {{"x", {{0, "n"}, {1, "n"}}}}});
    expect_refused(f, x, {"2 names for 1 inputs"}, {.names = {.inputs = {"a", "b"}}});
    expect_refused(f, x, {"a is the name of an output and of another value"},
                   {.names = {.inputs = {"a"}, .outputs = {"a"}}});
}

TEST(Export, EveryTypeOfElement) {
    for (const DType type : {f16, bf16, f32, f64, i32, i64}) {
        const auto f = [](const Tensor& x) { return relu(x * 2 - 1); };
        const Tensor x = tensor({-2, 1, 3}).to(type);
        const Tensor y = Network(to_model(f, {x}))(x);
        EXPECT_EQ(y.dtype(), type);
        EXPECT_TRUE(equal(y, f(x)));
    }
}

// Round trips by way of our own import
// -----------------------------------------------------------------------------

class RoundTrip : public testing::TestWithParam<DType> {};

TEST_P(RoundTrip, OfEveryRowOfTheOperatorTable) {
    std::set<std::string> refused;
    int count = 0;
    for (const table::Row& row : table::rows()) {
        SCOPED_TRACE(row.name());
        // Which NaN and zeros are one value ONNX does not say.
        if (row.name() == "unique_numbers") continue;
        table::Tensors inputs;
        for (std::size_t i = 0; i < row.inputs.size(); ++i)
            inputs.push_back(
                table::to_tensor(table::generate(row.inputs[i], row.name(), i), row.inputs[i], GetParam()));
        Model model;
        try {
            model = to_model(ListFunction(row.call), inputs);
        } catch (const ValueError&) {
            refused.insert(row.name());
            continue;
        }
        const table::Tensors expected = row.call(inputs), got = Network(model)(inputs);
        ASSERT_EQ(got.size(), expected.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].dtype(), expected[i].dtype());
            ASSERT_TRUE(got[i].shape() == expected[i].shape());
            EXPECT_TRUE(allclose(got[i], expected[i], 1e-5, 2e-6, true)) << got[i].to_string() << "\n"
                                                                         << expected[i].to_string();
        }
        ++count;
    }
    EXPECT_GT(count, 1000);
    // The row gives back the running statistics that the operator has just written.
    EXPECT_EQ(refused, std::set<std::string>{"batch_norm_running"});
}

INSTANTIATE_TEST_SUITE_P(Types, RoundTrip, testing::Values(f32, f64),
                         [](const testing::TestParamInfo<DType>& at) { return name(at.param); });

TEST(RoundTrip, WithTensorsInASecondFile) {
    const TemporaryFolder folder;
    const nn::Linear layer(64, 32);
    const Tensor x = randn({2, 64});
    save(folder / "net.onnx", layer, {x}, {.file = {.external_data = true}});
    EXPECT_GE(std::filesystem::file_size(folder / "net.onnx.data"), 64 * 32 * sizeof(float));
    EXPECT_LT(std::filesystem::file_size(folder / "net.onnx"), 2000u);
    const NoGrad guard;
    EXPECT_TRUE(allclose(load(folder / "net.onnx")(x), layer(x), 1e-5, 1e-6));
}

TEST(RoundTrip, OfEveryNetwork) {
    for (const networks::Case& of : networks::cases()) {
        SCOPED_TRACE(of.name);
        const bool narrow = of.name == "type_f16" || of.name == "type_bf16";
        const TemporaryFolder folder;
        save(folder / "net.onnx", of.function, of.inputs[0], of.options);
        const Network network = load(folder / "net.onnx");
        const NoGrad guard;
        for (const std::vector<Tensor>& inputs : of.inputs) {
            const std::vector<Tensor> expected = of.function(inputs), got = network(inputs);
            ASSERT_EQ(got.size(), expected.size());
            for (std::size_t i = 0; i < got.size(); ++i)
                EXPECT_TRUE(allclose(got[i], expected[i], narrow ? 2e-2 : 1e-4, narrow ? 2e-2 : 1e-5));
        }
    }
}

// What was loaded is written as it came: the same nodes and the same values.
TEST(RoundTrip, ALoadedModelIsExportedAgain) {
    const nn::Sequential net(nn::Conv2d(1, 2, 3), nn::BatchNorm2d(2), nn::ReLU(), nn::MaxPool2d(2),
                             nn::Flatten(), nn::Linear(18, 3));
    const std::vector<Tensor> x{randn({2, 1, 8, 8})};
    const ExportOptions options{.dynamic_axes = {{"x", {{0, "batch"}}}}};
    const Model first = to_model(net, x, options);
    const Network network(first);
    const Model second = to_model(network, x, options);
    EXPECT_EQ(operators(second), operators(first));
    EXPECT_TRUE(equal(Network(second)(x[0]), network(x[0])));
}

}  // namespace
}  // namespace adjoint::onnx
