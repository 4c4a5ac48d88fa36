// Files that are not what they should be: each is refused with an error that says where, or does
// what it says.
#include <gtest/gtest.h>

#include "models.h"
#include "temporary_folder.h"

namespace adjoint::onnx {
namespace {

constexpr std::int64_t huge = std::int64_t{1} << 62;

/// Loads and runs; an error of the library is as good an end as any.
bool survives(const std::string& bytes) {
    try {
        const NoGrad guard;
        const Network network(read(std::as_bytes(std::span(bytes)), "model"));
        const Tensor x = rand({1, 2, 6, 6});
        (void)network(std::vector<Tensor>(network.inputs().size(), x));
        return true;
    } catch (const Error&) {
        return false;
    }
}

TEST(Hostile, EveryByteOfAModelMayBeWrong) {
    const std::string whole = to_bytes(model_of_many_operators());
    EXPECT_GT(whole.size(), 2048U);
    ASSERT_TRUE(survives(whole));
    std::size_t refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
        for (const int change : {0x01, 0x10, 0x80, 0xff}) {
            std::string damaged = whole;
            damaged[i] = static_cast<char>(damaged[i] ^ change);
            refused += !survives(damaged);
        }
    EXPECT_GT(refused, whole.size());
    EXPECT_LT(refused, 4 * whole.size());
}

TEST(Hostile, TruncatedModelsAreRefused) {
    const std::string whole = to_bytes(model_of_many_operators());
    for (std::size_t i = 0; i < whole.size(); i += 3) EXPECT_FALSE(survives(whole.substr(0, i))) << i;
}

struct BadNode {
    std::string op;
    std::vector<Attribute> attributes;
    std::vector<Tensor> constants;  // inputs behind x
    std::int64_t opset = 18;
};

TEST(Hostile, SizesThatMakeNoSenseAreErrorsOfTheNode) {
    using Ints = std::vector<std::int64_t>;
    const auto ints = [](const Ints& values) {
        return tensor(values, {static_cast<std::int64_t>(values.size())});
    };
    const auto scalar = [](std::int64_t value) { return tensor<std::int64_t>({value}, Shape{}); };
    const Tensor w = ones({2, 2, 3, 3});
    const BadNode cases[] = {
        {"Reshape", {}, {ints({-1, -1})}},
        {"Reshape", {}, {ints({huge, huge, 4})}},
        {"Reshape", {}, {ints({-7, 3})}},
        {"Reshape", {}, {ints({1, 1, 1, 1, 1, 1, 1, 1, 72})}},
        {"Expand", {}, {ints({huge, 2, 6, 6})}},
        {"Expand", {}, {ints({1 << 30, 1, 2, 6, 6})}},
        {"Tile", {}, {ints({1, 1, huge, 4})}},
        {"Tile", {}, {ints({1, 1, -1, 1})}},
        {"Pad", {}, {ints({0, 0, huge, 0, 0, 0, 0, 0})}},
        {"Pad", {}, {ints({0, 0, INT64_MIN, 0, 0, 0, 0, 0})}},
        {"Pad", {}, {ints({0, 0, 1 << 30, 0, 0, 0, 0, 0})}},
        {"Pad", {}, {ints({1})}},
        {"CenterCropPad", {}, {ints({1, 1, huge, 1})}},
        {"CenterCropPad", {}, {ints({1, 1, INT64_MIN, 1})}},
        {"Resize", {}, {Tensor(), tensor({1e20, 1, 1, 1})}},
        {"Resize", {}, {Tensor(), tensor({1, 1, 1e7, 1e7})}},
        {"Resize", {}, {Tensor(), tensor({1, 1, -1, 1})}},
        {"Resize", {}, {Tensor(), Tensor(), ints({1, 1, huge, 1})}},
        {"Slice", {}, {ints({0}), ints({1}), ints({9})}},
        {"Slice", {}, {ints({0}), ints({1}), ints({0}), ints({0})}},
        {"Split", {}, {ints({huge, huge})}},
        {"Split", {{"num_outputs", huge}}, {}},
        {"Split", {{"axis", std::int64_t{-9}}}, {}},
        {"Conv", {{"pads", Ints{huge, 0, 0, 0}}}, {w}},
        {"Conv", {{"pads", Ints{0, 0, 1 << 30, 1 << 20}}}, {w}},
        {"Conv", {{"pads", Ints{-1, 0, 0, 0}}}, {w}},
        {"Conv", {{"pads", Ints{1}}}, {w}},
        {"Conv", {{"strides", Ints{0, 1}}}, {w}},
        {"Conv", {{"dilations", Ints{huge, 1}}}, {w}},
        {"Conv", {{"kernel_shape", Ints{5, 5}}}, {w}},
        {"Conv", {{"group", std::int64_t{0}}}, {w}},
        {"Conv", {{"group", huge}}, {w}},
        {"Conv", {}, {ones({3, 3})}},
        {"ConvTranspose", {{"strides", Ints{huge, 1}}}, {w}},
        {"ConvTranspose", {{"strides", Ints{1 << 30, 1 << 30}}}, {w}},
        {"ConvTranspose", {{"output_padding", Ints{huge, 0}}}, {w}},
        {"ConvTranspose", {{"output_shape", Ints{INT64_MIN, 1}}}, {w}},
        {"MaxPool", {{"kernel_shape", Ints{9, 9}}}, {}},
        {"MaxPool", {{"kernel_shape", Ints{-2, 2}}}, {}},
        {"MaxPool", {}, {}},
        {"AveragePool", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{1, -1}}}, {}},
        {"LRN", {{"size", huge}}, {}},
        {"DepthToSpace", {{"blocksize", huge}}, {}},
        {"SpaceToDepth", {{"blocksize", std::int64_t{-1}}}, {}},
        {"Transpose", {{"perm", Ints{0, 0, 1, 2}}}, {}},
        {"Transpose", {{"perm", Ints{0, 1}}}, {}},
        {"Squeeze", {}, {ints({1})}},
        {"Unsqueeze", {}, {ints({0, 1, 2, 3, 4})}},
        {"Unsqueeze", {}, {ints({0, 0})}},
        {"Concat", {{"axis", huge}}, {}},
        {"Softmax", {{"axis", std::int64_t{4}}}, {}},
        {"Gather", {{"axis", std::int64_t{-5}}}, {scalar(0)}},
        {"Gather", {}, {scalar(huge)}},
        {"GatherND", {}, {ints({0, 0, 9})}},
        {"GatherND", {{"batch_dims", huge}}, {ints({0})}},
        {"ScatterND", {}, {ints({7}), ones({2, 6, 6})}},
        {"ScatterElements", {}, {tensor<std::int64_t>({9}, {1, 1, 1, 1}), ones({1, 1, 1, 1})}},
        {"TopK", {}, {scalar(huge)}},
        {"TopK", {}, {scalar(-1)}},
        {"CumSum", {}, {scalar(8)}},
        {"ReduceSum", {}, {ints({4})}},
        {"ReduceSum", {}, {ints({1, 1})}},
        {"GroupNormalization", {{"num_groups", std::int64_t{0}}}, {ones({2}), ones({2})}},
        {"Einsum", {{"equation", std::string("ab->")}}, {}},
        {"Gemm", {}, {ones({3, 3})}},
        {"GridSample", {}, {ones({1, 2, 2, 3})}},
        {"Upsample", {}, {tensor({1, 1, 1e30, 1})}, 9},
    };
    for (const BadNode& bad : cases) {
        Graph graph{.name = "g"};
        graph.inputs = {tensor_info("x", ElementType::f32, {1, 2, 6, 6})};
        graph.outputs = {{.name = "y"}};
        graph.nodes = {node(bad.op, {"x"}, {"y"}, bad.attributes)};
        for (std::size_t i = 0; i < bad.constants.size(); ++i) {
            const std::string name = bad.constants[i].defined() ? "c" + std::to_string(i) : "";
            graph.nodes[0].inputs.push_back(name);
            if (!name.empty()) graph.initializers.push_back(tensor_value(name, bad.constants[i]));
        }
        try {
            const Network network(model_of(graph, bad.opset));
            (void)network(rand({1, 2, 6, 6}));
            ADD_FAILURE() << bad.op << " ran";
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("node \"make_y\" (" + bad.op + ")"), std::string::npos)
                << error.what();
        }
    }
}

}  // namespace
}  // namespace adjoint::onnx
