// Operators as older versions of the set have them: attributes that became inputs, other defaults.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models.h"

namespace adjoint::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

const std::int64_t one = 1;

/// The results of one node on x and constants.
std::vector<Tensor> run_node(std::int64_t opset, const std::string& op,
                             const std::vector<Attribute>& attributes, const Tensor& x,
                             const std::vector<Tensor>& constants = {}, std::size_t outputs = 1) {
    Graph graph{.name = "g"};
    graph.inputs = {{.name = "x"}};
    Node call = node(op, {"x"}, {}, attributes);
    call.name.clear();
    for (std::size_t i = 0; i < constants.size(); ++i) {
        call.inputs.push_back("c" + std::to_string(i));
        graph.initializers.push_back(tensor_value(call.inputs.back(), constants[i]));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
        call.outputs.push_back("y" + std::to_string(i));
        graph.outputs.push_back({.name = call.outputs.back()});
    }
    graph.nodes = {call};
    return Network(model_of(graph, opset))(std::vector<Tensor>{x});
}

Tensor ints(const Ints& values) { return tensor(values, {static_cast<std::int64_t>(values.size())}); }

TEST(Versions, AttributesThatBecameInputs) {
    manual_seed(1);
    const Tensor x = randn({2, 3, 4});
    const auto same = [&](const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(equal(a[i], b[i])) << i;
    };
    same(run_node(9, "Slice", {{"starts", Ints{1, -3}}, {"ends", Ints{9, -1}}, {"axes", Ints{1, 2}}}, x),
         run_node(13, "Slice", {}, x, {ints({1, -3}), ints({9, -1}), ints({1, 2})}));
    same(run_node(9, "Slice", {{"starts", Ints{1, -3}}, {"ends", Ints{9, -1}}, {"axes", Ints{1, 2}}}, x),
         {x(all, slice(1, 3), slice(1, 3))});
    same(run_node(7, "Clip", {{"min", -0.5F}, {"max", 0.25F}}, x),
         run_node(13, "Clip", {}, x, {Tensor(-0.5F), Tensor(0.25F)}));
    same(run_node(7, "Pad", {{"pads", Ints{0, 1, 0, 0, 0, 2}}, {"value", 3.0F}}, x),
         run_node(13, "Pad", {}, x, {ints({0, 1, 0, 0, 0, 2}), Tensor(3.0F)}));
    same(run_node(13, "Pad", {}, x, {ints({0, 1, 0, 0, 0, 2}), Tensor(3.0F)}),
         run_node(18, "Pad", {}, x, {ints({1, 0, 0, 2}), Tensor(3.0F), ints({1, -1})}));
    same(run_node(7, "Squeeze", {{"axes", Ints{0}}}, x(slice(0, 1))),
         run_node(13, "Squeeze", {}, x(slice(0, 1)), {ints({0})}));
    same(run_node(7, "Unsqueeze", {{"axes", Ints{0, 4}}}, x),
         run_node(13, "Unsqueeze", {}, x, {ints({0, -1})}));
    same(run_node(7, "Split", {{"axis", one}, {"split", Ints{1, 2}}}, x, {}, 2),
         run_node(13, "Split", {{"axis", one}}, x, {ints({1, 2})}, 2));
    same(run_node(18, "Split", {{"axis", one}, {"num_outputs", std::int64_t{2}}}, x, {}, 2),
         run_node(13, "Split", {{"axis", one}}, x, {ints({2, 1})}, 2));
    same(run_node(7, "TopK", {{"k", std::int64_t{2}}}, x, {}, 2),
         run_node(11, "TopK", {}, x, {ints({2})}, 2));
    same(run_node(7, "ReduceSum", {{"axes", Ints{1}}}, x), run_node(13, "ReduceSum", {}, x, {ints({1})}));
    same(run_node(13, "ReduceMax", {{"axes", Ints{0, 2}}, {"keepdims", std::int64_t{0}}}, x),
         run_node(18, "ReduceMax", {{"keepdims", std::int64_t{0}}}, x, {ints({0, 2})}));
    same(run_node(13, "ReduceMean", {{"axes", Ints{-1}}}, x),
         run_node(18, "ReduceMean", {}, x, {ints({-1})}));
    const Tensor image = randn({1, 2, 3, 3});
    const std::vector<float> scales{1, 1, 2, 3};
    same(run_node(7, "Upsample", {{"scales", scales}}, image),
         run_node(9, "Upsample", {}, image, {tensor({1, 1, 2, 3})}));
    same(run_node(9, "Upsample", {}, image, {tensor({1, 1, 2, 3})}),
         run_node(10, "Resize", {}, image, {tensor({1, 1, 2, 3})}));
}

TEST(Versions, DefaultsThatChanged) {
    manual_seed(2);
    const Tensor x = randn({2, 3, 4});
    const Tensor flat = reshape(x, {2, 12});
    // Before version 13 everything behind the axis is one dimension, and the axis is 1.
    EXPECT_TRUE(allclose(run_node(11, "Softmax", {}, x)[0], reshape(softmax(flat, 1), x.shape())));
    EXPECT_TRUE(allclose(run_node(13, "Softmax", {}, x)[0], softmax(x, 2)));
    EXPECT_TRUE(allclose(run_node(11, "LogSoftmax", {{"axis", std::int64_t{0}}}, x)[0],
                         reshape(log_softmax(reshape(x, {24}), 0), x.shape())));
    EXPECT_TRUE(
        equal(run_node(11, "Hardmax", {}, x)[0], reshape(run_node(13, "Hardmax", {}, flat)[0], x.shape())));
    // Nearest neighbours: by floor of the plain quotient in version 10, by halves of pixels from 11 on.
    const Tensor line = reshape(arange(0, 4), {1, 1, 1, 4});
    EXPECT_TRUE(equal(run_node(10, "Resize", {}, line, {tensor({1, 1, 1, 0.5})})[0],
                      reshape(tensor({0, 2}), {1, 1, 1, 2})));
    EXPECT_TRUE(equal(run_node(9, "Dropout", {}, x, {}, 2)[1], ones(x.shape())));
    EXPECT_EQ(run_node(10, "Dropout", {}, x, {}, 2)[1].dtype(), boolean);
}

TEST(Versions, AreTheNewestThatTheFileAllows) {
    const Tensor x = ones({2});
    const auto refused = [&](std::int64_t opset, const char* op) {
        try {
            run_node(opset, op, {}, x);
        } catch (const UnsupportedError& error) {
            return error.reasons().at(0);
        }
        return std::string("ran");
    };
    EXPECT_EQ(refused(8, "Erf"), "the operator Erf of version 8: \"y0\"");
    EXPECT_EQ(refused(9, "Erf"), "ran");
    EXPECT_EQ(refused(24, "Erf"), "version 24 of the standard operators, 23 is the newest supported");
    // What a newer version has added is not looked at.
    try {
        run_node(25, "Erf", {{"unknown", 2.0F}}, x);
        ADD_FAILURE() << "ran";
    } catch (const UnsupportedError& error) {
        EXPECT_EQ(
            error.reasons(),
            (std::vector<std::string>{"version 25 of the standard operators, 23 is the newest supported"}));
    }
}

// Where NumPy's rules and those of the standard part.
TEST(Versions, ASliceBackwardsFromBeforeTheFirstElementHasIt) {
    const Tensor x = tensor({1, 2, 3});
    const auto backwards = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
        return run_node(13, "Slice", {}, x, {ints({start}), ints({end}), ints({0}), ints({step})})[0]
            .to_vector<double>();
    };
    EXPECT_EQ(backwards(-7, INT64_MIN, -1), std::vector<double>{1});
    EXPECT_EQ(backwards(-4, -9, -2), std::vector<double>{1});
    EXPECT_EQ(backwards(-4, 0, -1), std::vector<double>{});
    EXPECT_EQ(run_node(13, "Slice", {}, zeros({0}), {ints({-4}), ints({INT64_MIN}), ints({0}), ints({-1})})[0]
                  .shape(),
              Shape({0}));
}

TEST(Versions, ScalesGiveTheSizesThatSinglePrecisionGives) {
    const Tensor line = reshape(arange(0, 5), {1, 1, 1, 5});
    for (const std::int64_t opset : {9, 10, 13}) {
        std::vector<Tensor> constants{tensor({1, 1, 1, 2.6F})};
        if (opset == 13) constants.insert(constants.begin(), zeros({0}));
        EXPECT_EQ(run_node(opset, opset == 9 ? "Upsample" : "Resize", {}, line, constants)[0].shape(),
                  Shape({1, 1, 1, 13}));
    }
}

TEST(Versions, AChannelOfOneValueIsNormalisedToItsBias) {
    const Tensor x = reshape(tensor({5, -7}), {1, 2, 1, 1}), bias = tensor({0.5, 2});
    EXPECT_EQ(run_node(13, "InstanceNormalization", {}, x, {tensor({3, 4}), bias})[0].to_vector<double>(),
              bias.to_vector<double>());
}

// Two queries and three keys that score alike but for the last, which scores high and may not be seen by the
// first query; the second sees nothing at all.
TEST(Versions, AttentionCapsScoresBeforeItMasksThem) {
    const Tensor query = ones({1, 1, 2, 1}), key = reshape(tensor({0, 0, 50}), {1, 1, 3, 1}),
                 value = reshape(tensor({1, 3, 1000}), {1, 1, 3, 1});
    const double never = -std::numeric_limits<double>::infinity();
    const Tensor mask = tensor({{0, 0, never}, {never, never, never}});
    const std::vector<Attribute> capped = {{"softcap", 2.0F}, {"scale", 1.0F}};
    const Tensor y = run_node(23, "Attention", capped, query, {key, value, mask})[0];
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{2, 0}));
    const Tensor open = run_node(23, "Attention", capped, query, {key, value})[0];
    const double high = std::exp(2 * std::tanh(25.0));
    EXPECT_NEAR(open.to_vector<double>()[0], (1 + 3 + 1000 * high) / (2 + high), 1e-2);
    // The last result: the products, those capped, capped and masked, the weights.
    const auto shown = [&](std::int64_t mode) {
        auto attributes = capped;
        attributes.push_back({"qk_matmul_output_mode", mode, ""});
        return run_node(23, "Attention", attributes, query, {key, value, mask}, 4)[3].to_vector<double>();
    };
    EXPECT_EQ(shown(0)[2], 50);
    EXPECT_EQ(shown(1)[2], 2);
    EXPECT_EQ(shown(2)[2], never);
    EXPECT_EQ(shown(3)[2], 0);
}

TEST(Versions, TheInverseOfAOneSidedTransformIsReal) {
    manual_seed(2);
    for (const std::int64_t length : {6, 7}) {
        const Tensor x = randn({2, length, 1});
        const Tensor bins =
            run_node(20, "DFT", {{"onesided", one}}, x, {Tensor(length), Tensor(std::int64_t{1})})[0];
        EXPECT_EQ(bins.shape(), Shape({2, length / 2 + 1, 2}));
        const Tensor back = run_node(20, "DFT", {{"onesided", one}, {"inverse", one}}, bins,
                                     {Tensor(length), Tensor(std::int64_t{1})})[0];
        EXPECT_EQ(back.shape(), x.shape());
        EXPECT_LT(max(abs(back - x)).item(), 1e-5);
    }
}

TEST(Versions, TransposedConvolutionsAreCutAsOnnxRuntimeDoes) {
    // A row of whole size 9 cut to `output_shape`; what ONNX Runtime 1.32 gives.
    const auto places = [](const std::string& auto_pad, std::int64_t stride, std::int64_t size) {
        Graph graph{.name = "g"};
        graph.inputs = {tensor_info("x", ElementType::f32, {1, 1, 4})};
        graph.outputs = {{.name = "y"}};
        graph.initializers = {tensor_value("w", tensor<float>({1, 10, 100}, {1, 1, 3}))};
        std::vector<Attribute> attributes{{"strides", Ints{stride}, ""}};
        if (!auto_pad.empty()) attributes.push_back({"auto_pad", auto_pad, ""});
        if (size > 0) attributes.push_back({"output_shape", Ints{size}, ""});
        graph.nodes = {node("ConvTranspose", {"x", "w"}, {"y"}, attributes)};
        return Network(model_of(graph, 11))(tensor<float>({1, 2, 3, 4}, {1, 1, 4})).to_vector<double>();
    };
    using Row = std::vector<double>;
    const Row whole{1, 10, 102, 20, 203, 30, 304, 40, 400};
    const Row without_first(whole.begin() + 1, whole.end()), without_last(whole.begin(), whole.end() - 1);
    EXPECT_EQ(places("", 2, 0), whole);
    for (const char* odd : {"", "NOTSET", "VALID", "SAME_LOWER"})
        EXPECT_EQ(places(odd, 2, 8), without_first) << odd;
    EXPECT_EQ(places("SAME_UPPER", 2, 8), without_last);
    EXPECT_EQ(places("SAME_LOWER", 2, 0), without_first);
    // More than there is: zeros behind it.
    EXPECT_EQ(places("SAME_LOWER", 4, 17), places("SAME_UPPER", 4, 17));
    EXPECT_EQ(places("SAME_LOWER", 4, 17),
              (Row{1, 10, 100, 0, 2, 20, 200, 0, 3, 30, 300, 0, 4, 40, 400, 0, 0}));
}

}  // namespace
}  // namespace adjoint::onnx
