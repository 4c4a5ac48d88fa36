// What a file may ask for: loading takes bounded time and memory, whatever is in it, and a run no more than
// its limits allow it to.
#include <gtest/gtest.h>

#include <fstream>

#include <adjoint/core/memory/host_memory.h>
#include <adjoint/onnx/import/compile.h>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

/// The message of the error of class E that f() throws.
template <class E, class F> std::string refused(F&& f) {
    try {
        f();
    } catch (const E& error) {
        return error.what();
    } catch (const Error& error) {
        return std::string("another class of error: ") + error.what();
    }
    return "no error";
}

#define EXPECT_SAYS(text, part) \
    EXPECT_NE(std::string(text).find(part), std::string::npos) << (text) << "\nshould contain " << (part)

/// Each node joins the value before it with itself; the first is `first`, the last "y".
std::vector<Node> doublings(const std::string& first, int count) {
    std::vector<Node> nodes;
    for (int i = 0; i < count; ++i) {
        const std::string from = i == 0 ? first : "d" + std::to_string(i);
        const std::string to = i + 1 == count ? "y" : "d" + std::to_string(i + 1);
        nodes.push_back(node("Concat", {from, from}, {to}, {{"axis", std::int64_t{0}, ""}}));
    }
    return nodes;
}

Graph graph_of(const std::vector<Node>& nodes, const std::vector<TensorValue>& initializers) {
    Graph graph{.name = "g"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1})};
    graph.outputs = {{.name = "y"}};
    graph.nodes = nodes;
    graph.initializers = initializers;
    return graph;
}

std::shared_ptr<const Graph> body(const std::vector<Node>& nodes, const std::vector<std::string>& inputs,
                                  const std::vector<std::string>& outputs) {
    Graph graph{.name = "body"};
    for (const std::string& name : inputs) graph.inputs.push_back({.name = name});
    for (const std::string& name : outputs) graph.outputs.push_back({.name = name});
    graph.nodes = nodes;
    return std::make_shared<const Graph>(graph);
}

const TensorValue yes = tensor_value("yes", Tensor(true));

TEST(Limits, FoldingOfConstantsEndsAndTheRunSaysWhere) {
    const Model model =
        model_of(graph_of(doublings("seed", 40), {tensor_value("seed", zeros({4}, {.dtype = i64}))}));
    const std::int64_t before = host_memory_stats().in_use;
    const Network network(model, {.run_bytes = std::int64_t{1} << 28});
    EXPECT_LT(host_memory_stats().in_use - before, std::int64_t{1} << 28);
    const NoGrad guard;
    const std::string text = refused<OutOfMemoryError>([&] { network(ones({2})); });
    EXPECT_SAYS(text, "node \"make_d");
    EXPECT_SAYS(text, "(Concat): ");
    EXPECT_SAYS(text, "onnx::Limits::run_bytes is the limit");
}

TEST(Limits, AGreedyFileIsLoadedInBoundedMemoryAndDoesNotRun) {
    const std::int64_t before = host_memory_stats().in_use;
    const Network network(greedy_model(), {.run_bytes = 1 << 24});
    EXPECT_LT(host_memory_stats().in_use - before, std::int64_t{1} << 28);
    const NoGrad guard;
    EXPECT_SAYS(refused<ValueError>([&] { network(std::vector<Tensor>{ones({2})}); }),
                "node \"make_range\" (Range): 1099511627776 elements");
}

TEST(Limits, ManyViewsOfOneNumberAreNotReadWithoutEnd) {
    // Each node reads 2^24 elements that nobody has stored; few of them are worked off on load.
    std::vector<Node> nodes{node("Expand", {"one", "shape"}, {"e"})};
    for (int i = 0; i < 20; ++i) {
        const std::string to = "s" + std::to_string(i);
        nodes.push_back(node("ReduceSum", {"e"}, {to}, {{"keepdims", std::int64_t{0}, ""}}));
        nodes.push_back(node("Add", {i == 0 ? "x" : "y" + std::to_string(i - 1), to},
                             {i == 19 ? "y" : "y" + std::to_string(i)}));
    }
    const Model model =
        model_of(graph_of(nodes, {tensor_value("one", Tensor(1.0F)),
                                  tensor_value("shape", tensor<std::int64_t>({1 << 23}, {1}))}));
    const auto program = compile(model).program;
    std::size_t left = 0;
    for (const Step& step : program->steps) left += step.known;
    EXPECT_GE(left, 20U);
}

TEST(Limits, ProductsOfConstantsWaitForTheRun) {
    const TensorValue one = tensor_value("one", tensor<std::int64_t>({1, 1}, {1, 2}));
    const auto steps = [&](const std::string& op) {
        return compile(model_of(graph_of({node(op, {"one", "square"}, {"c"}), node("Add", {"x", "c"}, {"y"})},
                                         {one, tensor_value("square", ones({2, 2}, {.dtype = i64}))})))
            .program->steps.size();
    };
    EXPECT_EQ(steps("Mul"), 1U);
    EXPECT_EQ(steps("MatMul"), 2U);
}

TEST(Limits, ValuesOfARunHaveALimit) {
    const NoGrad guard;
    const Network network(model_of(graph_of(doublings("x", 40), {})), {.run_bytes = 1 << 20});
    const std::string text = refused<OutOfMemoryError>([&] { network(ones({2})); });
    EXPECT_SAYS(text, "(Concat): ");
    EXPECT_SAYS(text, "onnx::Limits::run_bytes is the limit");
    // As many doublings as the limit lets pass, and more with a larger one; large inputs raise it.
    const Model small = model_of(graph_of(doublings("x", 12), {}));
    EXPECT_NO_THROW(Network(small, {.run_bytes = 1 << 20})(ones({2})));
    const Model more = model_of(graph_of(doublings("x", 17), {}));
    EXPECT_SAYS(refused<OutOfMemoryError>([&] { Network(more, {.run_bytes = 1 << 20})(ones({2})); }),
                "Concat");
    EXPECT_NO_THROW(Network(more, {.run_bytes = 1 << 22})(ones({2})));
    EXPECT_NO_THROW(Network(small, {.run_bytes = 1})(ones({2})));
    EXPECT_SAYS(refused<ValueError>([&] { (void)Network(small, {.iterations = 0}); }), "has to be positive");
}

TEST(Limits, CountWhatLivesAtOnce) {
    // Ten values of 1 MB each, of which the sum needs two at a time, or all.
    std::vector<Node> in_turn, at_once;
    const auto wide = [](int i) { return node("Expand", {"x", "shape"}, {"e" + std::to_string(i)}); };
    const auto negated = [](int i) {
        return node("Neg", {"e" + std::to_string(i)}, {"n" + std::to_string(i)});
    };
    const auto added = [](int i) {
        return node("Add", {i == 0 ? "x" : "y" + std::to_string(i - 1), "n" + std::to_string(i)},
                    {i == 9 ? "y" : "y" + std::to_string(i)});
    };
    Node all = node("Sum", {}, {"y"});
    for (int i = 0; i < 10; ++i) {
        in_turn.insert(in_turn.end(), {wide(i), negated(i), added(i)});
        at_once.insert(at_once.end(), {wide(i), negated(i)});
        all.inputs.push_back("n" + std::to_string(i));
    }
    at_once.push_back(all);
    const std::vector<TensorValue> shape{tensor_value("shape", tensor<std::int64_t>({1 << 18}, {1}))};
    const NoGrad guard;
    const Limits limits{.run_bytes = 5 << 20};
    EXPECT_NO_THROW(Network(model_of(graph_of(in_turn, shape)), limits)(ones({1})));
    EXPECT_SAYS(
        refused<OutOfMemoryError>([&] { Network(model_of(graph_of(at_once, shape)), limits)(ones({1})); }),
        "the values of the model have");
}

TEST(Limits, LoopsEnd) {
    const NoGrad guard;
    const auto endless =
        body({node("Identity", {"c"}, {"c2"}), node("Neg", {"a"}, {"a2"})}, {"i", "c", "a"}, {"c2", "a2"});
    const Node loop = node("Loop", {"", "yes", "x"}, {"y"}, {{"body", endless, ""}});
    const std::string text = refused<ValueError>(
        [&] { Network(model_of(graph_of({loop}, {yes})), {.iterations = 100})(ones({2})); });
    EXPECT_SAYS(text, "node \"make_y\" (Loop): ");
    EXPECT_SAYS(text, "100 steps; onnx::Limits::iterations is the limit");

    // Loops in loops count together.
    const auto five = tensor_value("five", Tensor(std::int64_t{5}));
    const auto inner = body({node("Loop", {"five", "yes", "a"}, {"a2"}, {{"body", endless, ""}}),
                             node("Identity", {"c"}, {"c2"})},
                            {"i", "c", "a"}, {"c2", "a2"});
    const Model nested =
        model_of(graph_of({node("Loop", {"five", "yes", "x"}, {"y"}, {{"body", inner, ""}})}, {yes, five}));
    EXPECT_NO_THROW(Network(nested, {.iterations = 30})(ones({2})));
    EXPECT_SAYS(refused<ValueError>([&] { Network(nested, {.iterations = 29})(ones({2})); }), "29 steps");

    // What a loop collects is held.
    const auto collecting =
        body({node("Identity", {"c"}, {"c2"}), node("Neg", {"x"}, {"n"})}, {"i", "c"}, {"c2", "n"});
    const Model growing =
        model_of(graph_of({node("Loop", {"", "yes"}, {"y"}, {{"body", collecting, ""}})}, {yes}));
    EXPECT_SAYS(refused<OutOfMemoryError>([&] { Network(growing, {.run_bytes = 1})(ones({2})); }),
                "node \"make_y\" (Loop): ");
}

TEST(Limits, FunctionsThatCallThemselvesByWayOfABodyAreRefused) {
    Model model = model_of(graph_of({node("f", {"x"}, {"y"})}, {}));
    model.graph.nodes[0].domain = "own";
    model.operator_sets.push_back({"own", 1});
    const auto function = [](const std::string& name, const std::string& callee) {
        Node call = node(callee, {"a"}, {"b"});
        call.domain = "own";
        const auto branch = body({call}, {}, {"b"});
        return Function{
            .domain = "own",
            .name = name,
            .inputs = {"a"},
            .outputs = {"r"},
            .nodes = {node("ReduceMax", {"a"}, {"m"}, {{"keepdims", std::int64_t{0}, ""}}),
                      node("Cast", {"m"}, {"go"}, {{"to", std::int64_t{9}, ""}}),
                      node("If", {"go"}, {"r"}, {{"then_branch", branch, ""}, {"else_branch", branch, ""}})},
            .operator_sets = {{"", 17}, {"own", 1}}};
    };
    model.functions = {function("f", "f")};
    EXPECT_SAYS(refused<ValueError>([&] { (void)Network(model); }), "bodies in bodies");
    // Each calls the next twice: 2^60 calls.
    model.functions = {function("f", "g1")};
    for (int i = 1; i < 60; ++i)
        model.functions.push_back(function("g" + std::to_string(i), "g" + std::to_string(i + 1)));
    EXPECT_SAYS(refused<ValueError>([&] { (void)Network(model); }), "functions: the bodies of");
}

TEST(Limits, FunctionsInFunctionsAreNoMoreThanAStackHas) {
    Model model = model_of(graph_of({node("f0", {"x"}, {"y"})}, {}));
    model.graph.nodes[0].domain = "own";
    model.operator_sets.push_back({"own", 1});
    const auto chain = [&](int length) {
        model.functions.clear();
        for (int i = 0; i < length; ++i) {
            Node inner = node("f" + std::to_string(i + 1), {"a"}, {"b"});
            inner.domain = "own";
            if (i + 1 == length) inner = node("Neg", {"a"}, {"b"});
            model.functions.push_back({.domain = "own",
                                       .name = "f" + std::to_string(i),
                                       .inputs = {"a"},
                                       .outputs = {"b"},
                                       .nodes = {inner},
                                       .operator_sets = {{"", 17}, {"own", 1}}});
        }
    };
    chain(200);
    EXPECT_EQ(Network(model)(ones({2})).to_vector<double>(), (std::vector<double>{-1, -1}));
    chain(50'000);
    EXPECT_SAYS(refused<ValueError>([&] { (void)Network(model); }),
                "functions that call functions, more than 256 deep");
}

TEST(Limits, NamesMakeNoMoreLevelsThanAStackHas) {
    std::string deep = "a";
    for (int i = 0; i < 100'000; ++i) deep += ".a";
    std::vector<Node> nodes{node("Add", {"x", deep}, {"y0"})};
    std::vector<TensorValue> weights{tensor_value(deep, ones({2}))};
    // Names that are one without their punctuation.
    for (int i = 1; i < 8; ++i) {
        weights.push_back(
            tensor_value("w" + std::string(static_cast<std::size_t>(1), "!#$%&()"[i - 1]), ones({2})));
        nodes.push_back(node("Add", {"y" + std::to_string(i - 1), weights.back().name},
                             {i == 7 ? "y" : "y" + std::to_string(i)}));
    }
    const Network network(model_of(graph_of(nodes, weights)));
    EXPECT_EQ(network(ones({2})).to_vector<double>(), (std::vector<double>{9, 9}));
    std::vector<std::string> names;
    for (const auto& [name, tensor] : network.named_parameters()) names.push_back(name);
    ASSERT_EQ(names.size(), 8U);
    EXPECT_EQ(std::count(names.begin(), names.end(), "w_"), 1);
    EXPECT_EQ(std::count(names.begin(), names.end(), "w__7"), 1);
    EXPECT_EQ(
        std::count(names[0].begin(), names[0].end(), '.') + std::count(names[7].begin(), names[7].end(), '.'),
        31);
}

TEST(Limits, AnotherFileGivesItsBytesAFewTimes) {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/net.onnx";
    const auto model_with = [](int count) {
        std::vector<TensorValue> weights;
        for (int i = 0; i < count; ++i) weights.push_back(tensor_value("w" + std::to_string(i), ones({512})));
        return model_of(graph_of({node("Neg", {"x"}, {"y"})}, weights));
    };
    write(model_with(1), path, {.external_data = true});
    EXPECT_NO_THROW((void)read(path));
    // The same place for all of them.
    const auto read_many = [&](int count) {
        write(model_with(count), path, {.external_data = true});
        std::ifstream in(path, std::ios::binary);
        std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        in.close();
        for (std::size_t at = 0; (at = bytes.find("offset", at)) != std::string::npos; ++at) {
            // "offset", then field 2, its length, the digits.
            const auto digits = static_cast<std::size_t>(bytes[at + 7]);
            for (std::size_t i = 0; i < digits; ++i) bytes[at + 8 + i] = '0';
        }
        std::ofstream(path, std::ios::binary) << bytes;
        std::ofstream(path + ".data", std::ios::binary) << std::string(2048, 'x');
        return read(path).graph.initializers.size();
    };
    EXPECT_EQ(read_many(16), 16U);
    EXPECT_SAYS(refused<IoError>([&] { (void)read_many(17); }), "too many at the same places");
}

}  // namespace
}  // namespace adjoint::onnx
