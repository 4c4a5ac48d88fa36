// A network of residual blocks that was read from a file is trained further.
#include <gtest/gtest.h>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

using Ints = std::vector<std::int64_t>;

/// Two residual blocks of 8 channels with batch normalisation, for images (N, 1, 8, 8) of 4 classes.
Model residual_network() {
    Graph graph{.name = "residual"};
    graph.inputs = {tensor_info("image", ElementType::f32, {-1, 1, 8, 8})};
    graph.outputs = {tensor_info("scores", ElementType::f32, {-1, 4})};
    const auto weight = [&](const std::string& name, const Tensor& value) {
        graph.initializers.push_back(tensor_value(name, value));
        return name;
    };
    const auto add = [&](const std::string& op, const std::vector<std::string>& inputs,
                         const std::vector<Attribute>& attributes = {}) {
        const std::string name = "v" + std::to_string(graph.nodes.size());
        graph.nodes.push_back(node(op, inputs, {name}, attributes));
        return name;
    };
    const auto conv = [&](const std::string& name, const std::string& x, std::int64_t in) {
        const double scale = std::sqrt(2.0 / (9 * static_cast<double>(in)));
        const std::string y = add("Conv", {x, weight(name + ".weight", randn({8, in, 3, 3}) * scale)},
                                  {{"pads", Ints{1, 1, 1, 1}}});
        return add("BatchNormalization",
                   {y, weight(name + ".scale", ones({8})), weight(name + ".bias", zeros({8})),
                    weight(name + ".mean", zeros({8})), weight(name + ".var", ones({8}))});
    };
    std::string x = add("Relu", {conv("stem", "image", 1)});
    for (const std::string block : {"block1", "block2"}) {
        const std::string y = conv(block + ".conv2", add("Relu", {conv(block + ".conv1", x, 8)}), 8);
        x = add("Relu", {add("Add", {x, y})});
    }
    x = add("Flatten", {add("GlobalAveragePool", {x})});
    graph.nodes.push_back(node("Gemm",
                               {x, weight("fc.weight", randn({4, 8}) * 0.3), weight("fc.bias", zeros({4}))},
                               {"scores"}, {{"transB", std::int64_t{1}}}));
    return model_of(graph);
}

/// Noise, in which each class has a bright square of its own.
data::Dataset squares(std::int64_t n) {
    const Tensor labels = randint(0, 4, {n});
    const Tensor images = randn({n, 1, 8, 8}) * 0.5;
    const auto classes = labels.to_vector<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t at = classes[static_cast<std::size_t>(i)];
        images(i, 0, slice(at / 2 * 4, at / 2 * 4 + 3 + at % 2),
               slice(at % 2 * 4, at % 2 * 4 + 2 + at / 2)) += Tensor(1.5F);
    }
    return {.inputs = images, .targets = labels};
}

TEST(Training, AnEpochOnAnImportedNetworkLowersTheLoss) {
    double worst = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        manual_seed(seed);
        const TemporaryFolder folder;
        write(residual_network(), folder / "net.onnx");
        const Network network = load(folder / "net.onnx");
        const data::Dataset set = squares(1024);
        network.train();
        optim::Adam optimizer(network.parameters(), {.lr = 0.02});
        const double before = train::evaluate(network, nn::CrossEntropyLoss(), set).loss;
        const Tensor mean = network.named_buffers().at(0).second.clone();
        train::fit(network, nn::CrossEntropyLoss(), optimizer, set,
                   {.epochs = 1, .batch_size = 32, .seed = seed, .verbose = false});
        const double after = train::evaluate(network, nn::CrossEntropyLoss(), set).loss;
        worst = std::max(worst, after / before);
        EXPECT_FALSE(equal(mean, network.named_buffers().at(0).second));
    }
    // The worst of these seeds gives 0.17.
    EXPECT_LT(worst, 0.5);
}

// Fresh, after a run that has folded its normalisation, and trained: the file has the layers and the names.
TEST(Training, AnImportedNetworkIsExportedAgain) {
    manual_seed(1);
    const TemporaryFolder folder;
    const Network network(residual_network());
    const auto expect_round_trip = [&](const char* when) {
        for (const std::int64_t size : {2, 3}) {
            const Tensor x = randn({size, 1, 8, 8});
            save(folder / "again.onnx", network, {x}, {.dynamic_axes = {{"x", {{0, "n"}}}}});
            const Network again = load(folder / "again.onnx");
            network.eval();
            const NoGrad guard;
            const Tensor other = randn({5, 1, 8, 8});
            EXPECT_LT(amax(abs(again(other) - network(other))).item(), 1e-4) << when;
            const Model file = read(folder / "again.onnx");
            std::size_t normalised = 0;
            for (const Node& part : file.graph.nodes)
                normalised += part.op_type == "BatchNormalization" ? 1 : 0;
            EXPECT_EQ(normalised, 5u) << when;
            for (const auto& [name, tensor] : network.named_parameters())
                EXPECT_TRUE(std::ranges::any_of(file.graph.initializers,
                                                [&](const TensorValue& value) { return value.name == name; }))
                    << when << ": " << name;
        }
    };
    expect_round_trip("fresh");
    network.eval();
    {
        const NoGrad guard;
        network(randn({4, 1, 8, 8}));
    }
    expect_round_trip("after a run");
    network.train();
    optim::Adam optimizer(network.parameters(), {.lr = 0.02});
    train::fit(network, nn::CrossEntropyLoss(), optimizer, squares(64), {.batch_size = 32, .verbose = false});
    expect_round_trip("trained");
}

TEST(Training, GradientsAreThoseOfTheModuleWrittenByHand) {
    manual_seed(1);
    const Network network(small_model());
    const Tensor x = randn({5, 3}), w = network.parameters()[0].detach().clone().set_requires_grad(),
                 b = network.parameters()[1].detach().clone().set_requires_grad();
    sum(square(network(x))).backward();
    sum(square(relu(matmul(x, w) + b))).backward();
    EXPECT_TRUE(allclose(network.parameters()[0].grad(), w.grad()));
    EXPECT_TRUE(allclose(network.parameters()[1].grad(), b.grad()));
}

TEST(Training, ACompiledNetworkFollowsItsWeights) {
    Model model = model_of({.name = "norm"});
    const auto wave = [](const Shape& shape) {
        return sin(reshape(arange(0, static_cast<double>(shape.numel()), 1.0), shape));
    };
    model.graph.inputs = {tensor_info("x", ElementType::f32, {-1, 2, 5, 5})};
    model.graph.outputs = {tensor_info("y", ElementType::f32, {-1, 3, 3, 3})};
    model.graph.initializers = {
        tensor_value("w", wave({3, 2, 3, 3})), tensor_value("scale", wave({3}) + 2),
        tensor_value("shift", wave({3})),      tensor_value("mean", wave({3}) * 0.1),
        tensor_value("var", wave({3}) + 1.5),
    };
    model.graph.nodes = {node("Conv", {"x", "w"}, {"c"}),
                         node("BatchNormalization", {"c", "scale", "shift", "mean", "var"}, {"n"}),
                         node("Relu", {"n"}, {"y"})};
    const Network network(model);
    const nn::Compiled answer = nn::compile(network);
    const Tensor x = wave({2, 2, 5, 5});
    const auto check = [&](const char* what) {
        const NoGrad guard;
        network.eval();
        for (int round = 0; round < 2; ++round) {
            const Tensor expected = network(x);
            EXPECT_TRUE(
                allclose(expected,
                         relu(batch_norm(conv2d(x, network.parameters()[0], {}, {}),
                                         network.named_buffers()[0].second, network.named_buffers()[1].second,
                                         network.parameters()[1], network.parameters()[2])),
                         1e-4, 1e-5))
                << what;
            EXPECT_TRUE(equal(answer(x), expected)) << what;
        }
    };
    check("as loaded");
    // The convolution with the normalisation and the activation in it.
    EXPECT_EQ(answer.recordings().at(0).calls, 1U);
    optim::SGD optimizer(network.parameters(), {.lr = 0.1});
    network.train();
    const Captured step = capture([&] {
        optimizer.zero_grad();
        mean(square(network(x))).backward();
        optimizer.step();
    });
    check("a capture");
    network.train();
    step.replay(2);
    check("replays");
}

}  // namespace
}  // namespace adjoint::onnx
