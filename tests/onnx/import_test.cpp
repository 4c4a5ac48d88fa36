// Models as modules: what goes in and comes out, names, modes, functions, graphs in graphs, refusals.
#include <gtest/gtest.h>

#include <fstream>

#include <adjoint/onnx/import/compile.h>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

/// The message of the error that f() throws.
template <class F> std::string error_of(F&& f) {
    try {
        f();
        return "no error";
    } catch (const Error& error) {
        return error.what();
    }
}

#define EXPECT_CONTAINS(text, part) \
    EXPECT_NE(std::string(text).find(part), std::string::npos) << (text) << "\nshould contain " << (part)

/// A model of nodes from x (N, 3) in f32 to y.
Model model_from_x(const std::vector<Node>& nodes, std::int64_t opset = 17) {
    Graph graph{.name = "g"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 3})};
    graph.outputs = {{.name = "y"}};
    graph.nodes = nodes;
    return model_of(graph, opset);
}

const Tensor rows = tensor({{1, 2, 3}, {-1, 0, 2}});

TEST(Import, RunsOnOneListAndNames) {
    const Network network(small_model());
    const Tensor w = tensor<float>({1, -2, 3, 4, -5, 6}, {3, 2}), b = tensor<float>({0.5F, -0.5F}, {2});
    const Tensor expected = relu(matmul(rows, w) + b);
    EXPECT_TRUE(equal(network(rows), expected));
    EXPECT_TRUE(equal(network(std::vector<Tensor>{rows}).at(0), expected));
    EXPECT_TRUE(equal(network(std::map<std::string, Tensor>{{"x", rows}}).at("y"), expected));
    EXPECT_EQ(network.inputs().at(0).name, "x");
    EXPECT_EQ(network.outputs().at(0).name, "y");
}

TEST(Import, InputsAreCheckedByWhatTheFileDeclares) {
    Model model = model_from_x({node("Add", {"x", "z"}, {"y"})});
    model.graph.inputs.push_back(tensor_info("z", ElementType::f32, {-1, 3}));
    const Network network(model);
    using Named = std::map<std::string, Tensor>;
    EXPECT_EQ(error_of([&] { network(rows); }), "onnx: the model has 2 inputs, one is given");
    EXPECT_EQ(error_of([&] { network(Named{{"x", rows}}); }), "onnx: the input \"z\" is missing");
    EXPECT_EQ(error_of([&] {
                  network(Named{{"x", rows}, {"z", rows}, {"k", rows}});
              }),
              "onnx: the model has no input \"k\"");
    EXPECT_EQ(error_of([&] {
                  network({rows, rows.to(f64)});
              }),
              "onnx: the input z is of f64, expected float as f32");
    EXPECT_EQ(error_of([&] {
                  network({rows, zeros({2, 4})});
              }),
              "onnx: the input z has the shape (2, 4), expected float (N, 3), N = 2");
    EXPECT_EQ(error_of([&] {
                  network({rows, zeros({1, 3})});
              }),
              "onnx: the input z has the shape (1, 3), expected float (N, 3), N = 2");
    EXPECT_TRUE(equal(network({rows, rows}).at(0), rows + rows));
    model.graph.inputs[0].type.shape = {{.size = -1}, {.name = "?"}};
    EXPECT_TRUE(equal(Network(model)({rows, rows}).at(0), rows + rows));
}

TEST(Import, ParametersHaveTheirNamesAsPaths) {
    Model model = model_from_x({node("Gemm", {"x", "layer1.0.fc.weight", "/fc/bias:0"}, {"h"}),
                                node("Gemm", {"h", "layer1.0.fc", "layer1.0.fc.bias"}, {"y"})});
    const Tensor w = ones({3, 3}), b = ones({3});
    model.graph.initializers = {tensor_value("layer1.0.fc.weight", w), tensor_value("/fc/bias:0", b),
                                tensor_value("layer1.0.fc", w), tensor_value("layer1.0.fc.bias", b)};
    const Network network(model);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : network.named_parameters()) names.push_back(name);
    EXPECT_EQ(names, (std::vector<std::string>{"_fc_bias_0", "layer1.0.fc_2", "layer1.0.fc.weight",
                                               "layer1.0.fc.bias"}));
    EXPECT_EQ(network.initializer_names().at("_fc_bias_0"), "/fc/bias:0");
    EXPECT_EQ(network.initializer_names().at("layer1.0.fc_2"), "layer1.0.fc");
    EXPECT_EQ(nn::to_string(network),
              "Network(inputs: x float (N, 3); outputs: y unknown\n"
              "  (layer1): Group(\n    (0): Group(\n      (fc): Group()\n    )\n  )\n)");
    EXPECT_EQ(network.parameter_count(), 24);
}

TEST(Import, IsSavedLoadedClonedAndSummarised) {
    const TemporaryFolder folder;
    const Network network(small_model());
    const Network copy = nn::clone(network);
    network.parameters()[0].mutable_data<float>()[0] = 100;
    EXPECT_FALSE(equal(copy(rows), network(rows)));
    network.save(folder / "w.safetensors");
    copy.load(folder / "w.safetensors");
    EXPECT_TRUE(equal(copy(rows), network(rows)));
    EXPECT_CONTAINS(train::summary(network), "fc.weight");
    // A level of names is called where a step uses its tensors.
    EXPECT_CONTAINS(train::summary(network, {2, 3}), "(fc) Group  (2, 2)           8");
    int calls = 0;
    const nn::HookHandle hook = network.children()[0].second.register_forward_hook(
        [&](const nn::Module&, const Tensor&, const Tensor& y) { return ++calls, y * 2; });
    EXPECT_TRUE(equal(network(rows), copy(rows) * 2));
    EXPECT_EQ(calls, 1);
    EXPECT_CONTAINS(picture::draw_model(network).str(), "weight (3, 2), bias (2,)");
    write(small_model(), folder / "m.onnx");
    EXPECT_TRUE(equal(load(folder / "m.onnx")(rows), copy(rows)) == false);
}

TEST(Import, NodesMayComeInAnyOrderAndDeadOnesDoNotCount) {
    const Network network(model_from_x({node("Relu", {"b"}, {"y"}), node("NoSuchThing", {"x"}, {"unused"}),
                                        node("Neg", {"a"}, {"b"}), node("Exp", {"x"}, {"a"})}));
    EXPECT_TRUE(equal(network(rows), relu(neg(exp(rows)))));
}

TEST(Import, GraphsThatMakeNoSenseAreRefusedByNodeNames) {
    EXPECT_EQ(
        error_of([] {
            Network(model_from_x(
                {node("Add", {"x", "b"}, {"a"}), node("Neg", {"a"}, {"b"}), node("Exp", {"a"}, {"y"})}));
        }),
        "nodes need each other: node \"make_a\" (Add) -> node \"make_b\" (Neg) -> node \"make_a\" (Add)");
    EXPECT_EQ(error_of([] {
                  Network(model_from_x({node("Add", {"x", "weight"}, {"y"})}));
              }),
              "node \"make_y\" (Add) needs the value \"weight\", which nothing gives");
    EXPECT_EQ(error_of([] { Network(model_from_x({})); }),
              "the output \"y\" needs the value \"y\", which nothing gives");
    EXPECT_EQ(error_of([] {
                  Network(model_from_x({node("Neg", {"x"}, {"y"}), node("Exp", {"x"}, {"y"})}));
              }),
              "the value \"y\" is given by node \"make_y\" (Neg) and node \"make_y\" (Exp)");
    EXPECT_EQ(error_of([] {
                  Network(model_from_x({node("Relu", {"x"}, {"y"}, {{"speed", 1.0F}})}));
              }),
              "node \"make_y\" (Relu): the attribute \"speed\" is not known");
    EXPECT_EQ(error_of([] { Network(model_from_x({node("Concat", {"x"}, {"y"})})); }),
              "node \"make_y\" (Concat): the attribute axis is missing");
    EXPECT_EQ(error_of([] {
                  Network(model_from_x({node("Elu", {"x"}, {"y"}, {{"alpha", std::string("a")}})}));
              }),
              "node \"make_y\" (Elu): the attribute alpha is no number");
    const Network wrong(model_from_x({node("Transpose", {"x"}, {"t"}), node("MatMul", {"x", "t"}, {"m"}),
                                      node("MatMul", {"m", "x"}, {"n"}), node("MatMul", {"n", "m"}, {"y"})}));
    EXPECT_CONTAINS(error_of([&] { wrong(rows); }), "node \"make_y\" (MatMul): matmul: inner sizes differ");
}

TEST(Import, ShapesThatCannotFitAreFoundOnLoading) {
    using Ints = std::vector<std::int64_t>;
    const auto refused = [](const std::vector<Node>& nodes, const Ints& input,
                            const std::vector<Tensor>& weights) {
        Graph graph{.name = "g", .nodes = nodes};
        graph.inputs = {tensor_info("x", ElementType::f32, input)};
        graph.outputs = {{.name = "y"}};
        for (std::size_t i = 0; i < weights.size(); ++i)
            graph.initializers.push_back(tensor_value("w" + std::to_string(i), weights[i]));
        return error_of([&] { Network(model_of(graph)); });
    };
    EXPECT_EQ(refused({node("Conv", {"x", "w0"}, {"y"})}, {-1, 3, 8, 8}, {zeros({4, 2, 3, 3})}),
              "node \"make_y\" (Conv): a kernel of shape (4, 2, 3, 3) in 1 groups on (?, 3, 8, 8): the "
              "channels do not fit");
    EXPECT_EQ(refused({node("Conv", {"x", "w0"}, {"y"})}, {-1, 2, 8, 8}, {zeros({4, 2, 9, 3})}),
              "node \"make_y\" (Conv): a window of 9 on an image of 8 with padding 0 and 0");
    EXPECT_EQ(refused({node("Conv", {"x", "w0"}, {"c"}), node("GlobalAveragePool", {"c"}, {"p"}),
                       node("Flatten", {"p"}, {"f"}), node("Gemm", {"f", "w1"}, {"y"})},
                      {-1, 2, 8, 8}, {zeros({4, 2, 3, 3}), zeros({5, 10})}),
              "node \"make_y\" (Gemm): inner sizes differ: (?, 4) x (5, 10)");
    EXPECT_EQ(refused({node("MaxPool", {"x"}, {"p"}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}),
                       node("Reshape", {"p", "w0"}, {"y"})},
                      {1, 2, 8, 8}, {tensor<std::int64_t>({-1, 5}, {2})}),
              "node \"make_y\" (Reshape): 32 elements of (1, 2, 4, 4) do not fill (?, 5)");
    EXPECT_EQ(
        refused({node("Shape", {"x"}, {"s"}), node("Gather", {"s", "w0"}, {"n"}),
                 node("Concat", {"n", "w1"}, {"t"}, {{"axis", std::int64_t{0}}}),
                 node("Reshape", {"x", "t"}, {"r"}), node("Transpose", {"r"}, {"u"}),
                 node("MatMul", {"u", "w2"}, {"y"})},
                {-1, 6}, {tensor<std::int64_t>({0}, {1}), tensor<std::int64_t>({2, 3}, {2}), zeros({3, 3})}),
        "no error");
    EXPECT_EQ(refused({node("Add", {"x", "w0"}, {"a"}),
                       node("Concat", {"a", "w1"}, {"y"}, {{"axis", std::int64_t{1}}})},
                      {-1, 6}, {zeros({6}), zeros({2, 3, 4})}),
              "node \"make_y\" (Concat): (?, 6) and (2, 3, 4) are joined");
    EXPECT_EQ(refused({node("Mul", {"x", "w0"}, {"y"})}, {-1, 6}, {zeros({5})}),
              "node \"make_y\" (Mul): shapes (?, 6) and (5) do not broadcast");
    EXPECT_EQ(
        refused({node("LSTM", {"x", "w0", "w1"}, {"y"})}, {4, -1, 3}, {zeros({1, 20, 3}), zeros({1, 20, 4})}),
        "node \"make_y\" (LSTM): weights (1, 20, 3) and (1, 20, 4) for inputs (4, ?, 3)");
    EXPECT_EQ(
        refused({node("BatchNormalization", {"x", "w0", "w0", "w0", "w0"}, {"y"})}, {-1, 6}, {ones({5})}),
        "node \"make_y\" (BatchNormalization): input 1 of shape (5) for the channels of (?, 6)");
}

TEST(Import, EverythingThatIsNotSupportedIsListedAtOnce) {
    Model model = model_from_x({node("StringNormalizer", {"words"}, {"a"}), node("Fused", {"x"}, {"b"}),
                                node("Cast", {"x"}, {"c"}, {{"to", std::int64_t{17}}}),
                                node("Sum", {"b", "c", "list"}, {"y"}), node("Foo", {"a"}, {"z"})});
    model.graph.nodes[1].domain = "com.example";
    model.graph.inputs.push_back(tensor_info("words", ElementType::string, {1}));
    model.graph.inputs.push_back({.name = "list", .type = {.kind = TypeKind::sequence}});
    model.graph.outputs.push_back({.name = "z"});
    model.ir_version = 99;
    try {
        const Network network(model);
        ADD_FAILURE() << "was loaded";
    } catch (const UnsupportedError& error) {
        EXPECT_EQ(error.reasons(), (std::vector<std::string>{
                                       "the IR version 99, supported are 3 to 11",
                                       "an input is of the element type string: \"words\"",
                                       "an input is a sequence: \"list\"",
                                       "the operator com.example.Fused: \"make_b\"",
                                       "Cast: the element type float8e4m3fn is not supported: \"make_c\"",
                                       "the operator StringNormalizer of version 17: \"make_a\"",
                                       "the operator Foo of version 17: \"make_z\"",
                                   }));
        EXPECT_CONTAINS(error.what(), "com.example.Fused");
    }
}

TEST(Import, BatchNormalisationAndDropoutFollowTheMode) {
    Model model =
        model_from_x({node("BatchNormalization", {"x", "s", "b", "mean", "var"}, {"h"}, {{"momentum", 0.5F}}),
                      node("Dropout", {"h", "ratio"}, {"y"})});
    const Tensor one = ones({3});
    model.graph.initializers = {tensor_value("s", one), tensor_value("b", zeros({3})),
                                tensor_value("mean", zeros({3})), tensor_value("var", one),
                                tensor_value("ratio", tensor<float>({0.5F}, Shape{}))};
    const Network network(model);
    EXPECT_FALSE(network.is_training());
    EXPECT_EQ(network.parameters().size(), 2U);
    EXPECT_EQ(network.named_buffers().size(), 2U);
    const Tensor x = randn({64, 3}) + 1;
    EXPECT_TRUE(allclose(network(x), x, 1e-4));
    network.train();
    const Tensor y = network(x);
    const double zeros_share = mean(eq(y, zeros({})).to(f32)).item();
    EXPECT_GT(zeros_share, 0.3);
    EXPECT_LT(zeros_share, 0.7);
    EXPECT_TRUE(allclose(network.named_buffers()[0].second, mean(x, 0) * 0.5, 1e-4));
    network.eval();
    EXPECT_FALSE(allclose(network(x), x, 1e-2));
}

TEST(Import, FunctionsOfTheModelAreCarriedOut) {
    Model model =
        model_from_x({node("Twice", {"x"}, {"h"}, {{"slope", 0.25F}}), node("Twice", {"h"}, {"y"})});
    for (Node& call : model.graph.nodes) call.domain = "own";
    Node leaky = node("LeakyRelu", {"a"}, {"t"});
    leaky.attributes = {{.name = "alpha", .value = {}, .reference = "slope"}};
    Node inner = node("Half", {"t"}, {"b"});
    inner.domain = "own";
    model.functions = {
        {.domain = "own",
         .name = "Twice",
         .inputs = {"a"},
         .outputs = {"b"},
         .default_attributes = {{"slope", 0.5F}},
         .nodes = {leaky, inner},
         .operator_sets = {{"", 16}, {"own", 1}}},
        {.domain = "own",
         .name = "Half",
         .inputs = {"a"},
         .outputs = {"b"},
         .nodes = {node("Constant", {}, {"t"}, {{"value_float", 0.5F}}), node("Mul", {"a", "t"}, {"b"})},
         .operator_sets = {{"", 16}}}};
    const Tensor expected = leaky_relu(leaky_relu(rows, 0.25) * 0.5, 0.5) * 0.5;
    EXPECT_TRUE(allclose(Network(model)(rows), expected));
    model.functions[1].nodes[1] = inner;
    model.functions[1].nodes[1].outputs = {"b"};
    EXPECT_EQ(error_of([&] { Network{model}; }), "the function \"Half\" calls itself");
}

std::shared_ptr<const Graph> body_of(const std::vector<Node>& nodes, const std::vector<std::string>& inputs,
                                     const std::vector<std::string>& outputs) {
    Graph graph{.name = "body", .nodes = nodes};
    for (const std::string& name : inputs) graph.inputs.push_back({.name = name});
    for (const std::string& name : outputs) graph.outputs.push_back({.name = name});
    return std::make_shared<const Graph>(graph);
}

TEST(Import, BodiesTakeValuesFromOutsideAndTrain) {
    // Three times v = v w, by a loop with an If in it.
    const auto then_body = body_of({node("Mul", {"v", "w"}, {"then"})}, {}, {"then"});
    const auto else_body = body_of({node("Identity", {"v"}, {"else"})}, {}, {"else"});
    const auto loop =
        body_of({node("If", {"go"}, {"next"}, {{"then_branch", then_body}, {"else_branch", else_body}}),
                 node("Identity", {"go"}, {"again"})},
                {"i", "go", "v"}, {"again", "next", "next"});
    Model model = model_from_x({node("Loop", {"count", "yes", "x"}, {"y", "all"}, {{"body", loop}})});
    model.graph.initializers = {
        tensor_value("count", tensor<std::int64_t>({3}, Shape{})),
        tensor_value("yes", tensor(std::vector<bool>{true}, Shape{}, {.dtype = boolean})),
        tensor_value("w", tensor({2, 3, -1}))};
    model.graph.outputs.push_back({.name = "all"});
    const Network network(model);
    const auto out = network(std::vector<Tensor>{rows});
    const Tensor w = tensor({2, 3, -1});
    EXPECT_TRUE(equal(out.at(0), rows * w * w * w));
    EXPECT_EQ(out.at(1).shape(), (Shape{3, 2, 3}));
    sum(out.at(0)).backward();
    EXPECT_TRUE(allclose(network.parameters().at(0).grad(), sum(rows, 0) * w * w * 3.0));
}

TEST(Import, ConstantsAreFoldedAndShapesRemembered) {
    // y = reshape(x, concat(shape(x)[:1], [-1, 1])) * exp(2)
    Model model =
        model_from_x({node("Constant", {}, {"two"}, {{"value_float", 2.0F}}), node("Exp", {"two"}, {"e"}),
                      node("Shape", {"x"}, {"s"}), node("Slice", {"s", "zero", "one"}, {"n"}),
                      node("Concat", {"n", "rest"}, {"t"}, {{"axis", std::int64_t{0}}}),
                      node("Reshape", {"x", "t"}, {"r"}), node("Mul", {"r", "e"}, {"y"})});
    model.graph.initializers = {tensor_value("zero", tensor<std::int64_t>({0}, {1})),
                                tensor_value("one", tensor<std::int64_t>({1}, {1})),
                                tensor_value("rest", tensor<std::int64_t>({-1, 1}, {2}))};
    const Compiled compiled = compile(model);
    std::size_t known = 0;
    for (const Step& step : compiled.program->steps) known += step.known;
    EXPECT_EQ(compiled.program->steps.size(), 5U);
    EXPECT_EQ(known, 3U);
    const Network network(model);
    for (const std::int64_t n : {2, 4, 2, 4}) {
        const Tensor x = rand({n, 3});
        EXPECT_TRUE(allclose(network(x), reshape(x, {n, 3, 1}) * std::exp(2.0)));
    }
}

/// relu(normalise(conv(x))) -> (N, 4, 6, 6), and the product of a row of it.
Model convolution_model() {
    Graph graph{.name = "g"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 2, 8, 8})};
    graph.outputs = {{.name = "y"}};
    const auto w = [&](const std::string& name, const Tensor& x) {
        graph.initializers.push_back(tensor_value(name, x));
        return name;
    };
    graph.nodes = {node("Conv", {"x", w("w", randn({4, 2, 3, 3})), w("b", randn({4}))}, {"c"}),
                   node("BatchNormalization",
                        {"c", w("scale", rand({4}) + 1), w("shift", randn({4})), w("mean", randn({4})),
                         w("var", rand({4}) + 1)},
                        {"n"}),
                   node("Relu", {"n"}, {"r"}),
                   node("Flatten", {"r"}, {"f"}),
                   node("Gemm", {"f", w("fc", randn({144, 3}))}, {"g"}),
                   node("Relu", {"g"}, {"y"})};
    return model_of(graph);
}

TEST(Import, AProductWithItsActivationIsOneCallHoweverTheWeightLies) {
    const NoGrad guard;
    for (const bool transposed : {false, true}) {
        Model model =
            model_from_x({node("Gemm", {"x", "w", "b"}, {"h"}, {{"transB", std::int64_t{transposed}, ""}}),
                          node("Relu", {"h"}, {"y"})});
        model.graph.initializers = {tensor_value("w", ones(transposed ? Shape{4, 3} : Shape{3, 4})),
                                    tensor_value("b", ones({4}))};
        const nn::Compiled compiled = nn::compile(Network(model));
        EXPECT_TRUE(equal(compiled(rows), relu(sum(rows, {1}, true) + ones({4}))));
        EXPECT_CONTAINS(nn::to_string(compiled), "(2, 3): 1 calls");
    }
}

TEST(Import, NormalisationAndActivationJoinTheStepBeforeThem) {
    manual_seed(3);
    const Model model = convolution_model();
    EXPECT_EQ(compile(model).program->steps.size(), 3U);
    const Network network(model);
    const auto state = network.state();
    const auto at = [&](const std::string& name) {
        for (const auto& [own, tensor] : state)
            if (own == name) return tensor;
        return Tensor();
    };
    const Tensor x = randn({2, 2, 8, 8});
    const auto by_hand = [&] {
        const NoGrad guard;
        const Tensor c = conv2d(x, at("w"), at("b"));
        const Tensor n = relu(batch_norm(c, at("mean"), at("var"), at("scale"), at("shift")));
        return relu(matmul(flatten(n, 1), at("fc")));
    };
    const auto predicted = [&] {
        const NoGrad guard;
        return network(x);
    };
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(allclose(predicted(), by_hand(), 1e-4, 1e-4));
    // Weights that change are seen, however they change.
    at("var").copy_(rand({4}) + 2);
    EXPECT_TRUE(allclose(predicted(), by_hand(), 1e-4, 1e-4));
    network.load(Network(convolution_model()).state());
    EXPECT_TRUE(allclose(predicted(), by_hand(), 1e-4, 1e-4));
    optim::SGD optimizer(network.parameters(), {.lr = 1e-5});
    const Captured step = capture([&] {
        optimizer.zero_grad();
        sum(network(x)).backward();
        optimizer.step();
    });
    for (int i = 0; i < 2; ++i) {
        const Tensor before = predicted();
        step.replay();
        EXPECT_FALSE(equal(before, predicted()));
        EXPECT_TRUE(allclose(predicted(), by_hand(), 1e-4, 1e-4));
    }
    network.train();
    EXPECT_FALSE(allclose(predicted(), by_hand(), 1e-2, 1e-2));
}

TEST(Import, ValuesAreFreedAfterTheirLastUse) {
    std::vector<Node> nodes{node("Neg", {"x"}, {"v0"})};
    for (int i = 1; i < 40; ++i)
        nodes.push_back(node("Sin", {"v" + std::to_string(i - 1)}, {"v" + std::to_string(i)}));
    nodes.push_back(node("Neg", {"v39"}, {"y"}));
    const Network network(model_from_x(nodes));
    const NoGrad guard;
    const Tensor x = zeros({100'000, 3});
    (void)network(zeros({1, 3}));
    empty_cache();
    (void)network(x);
    // What has been given back is what there was at most, but for the result.
    EXPECT_LT(host_memory_stats().cached, 4 * 1'200'000);
}

}  // namespace
}  // namespace adjoint::onnx
