// Small models that the tests write.
#pragma once

#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

namespace adjoint::onnx {

inline ValueInfo tensor_info(const std::string& name, ElementType element,
                             const std::vector<std::int64_t>& sizes) {
    std::vector<Dimension> shape;
    for (const std::int64_t size : sizes)
        shape.push_back(size < 0 ? Dimension{.size = {}, .name = "N"} : Dimension{.size = size, .name = {}});
    return {.name = name, .type = {.kind = TypeKind::tensor, .element = element, .shape = shape}};
}

inline Node node(const std::string& op, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs, const std::vector<Attribute>& attributes = {}) {
    return {.op_type = op,
            .inputs = inputs,
            .outputs = outputs,
            .attributes = attributes,
            .name = "make_" + (outputs.empty() ? op : outputs[0])};
}

inline Model model_of(Graph graph, std::int64_t opset = 17) {
    Model model;
    model.operator_sets = {{.domain = "", .version = opset}};
    model.graph = std::move(graph);
    return model;
}

/// relu(x W + b): (N, 3) -> (N, 2).
inline Model small_model() {
    Graph graph{.name = "small"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 3})};
    graph.outputs = {tensor_info("y", ElementType::f32, {-1, 2})};
    graph.initializers = {tensor_value("fc.weight", tensor<float>({1, -2, 3, 4, -5, 6}, {3, 2})),
                          tensor_value("fc.bias", tensor<float>({0.5F, -0.5F}, {2}))};
    graph.nodes = {node("Gemm", {"x", "fc.weight", "fc.bias"}, {"h"}, {{"alpha", 1.0F, ""}}),
                   node("Relu", {"h"}, {"y"})};
    return model_of(graph);
}

/// About 1 KiB that asks for any amount of memory and work: constants that grow, and a loop without end.
inline Model greedy_model() {
    using Ints = std::vector<std::int64_t>;
    const auto list = [](const Ints& values) {
        return tensor(values, {static_cast<std::int64_t>(values.size())});
    };
    Graph body{.name = "body"};
    body.inputs = {{.name = "i"}, {.name = "go"}};
    body.outputs = {{.name = "again"}, {.name = "kept"}};
    body.nodes = {node("Identity", {"go"}, {"again"}), node("Neg", {"filled"}, {"kept"})};
    Graph graph{.name = "greedy"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1})};
    graph.outputs = {{.name = "y"}, {.name = "kept"}};
    graph.initializers = {tensor_value("size", list({1 << 16})),
                          tensor_value("wide", list({1 << 12, 1 << 16})),
                          tensor_value("column", list({1 << 16, 1})),
                          tensor_value("times", list({1 << 12})),
                          tensor_value("pads", list({0, 1 << 24})),
                          tensor_value("zero", Tensor(std::int64_t{0})),
                          tensor_value("end", Tensor(std::int64_t{1} << 40)),
                          tensor_value("one", Tensor(std::int64_t{1})),
                          tensor_value("yes", Tensor(true)),
                          tensor_value("scales", tensor({1e6}))};
    graph.nodes = {node("ConstantOfShape", {"size"}, {"filled"}),
                   node("Expand", {"filled", "wide"}, {"view"}),
                   node("ReduceSum", {"view"}, {"sum"}, {{"keepdims", std::int64_t{0}, ""}}),
                   node("Tile", {"filled", "times"}, {"tiled"}),
                   node("Pad", {"filled", "pads"}, {"padded"}),
                   node("Range", {"zero", "end", "one"}, {"range"}),
                   node("Resize", {"filled", "", "scales"}, {"resized"}),
                   node("ConstantOfShape", {"column"}, {"rows"}),
                   node("Add", {"rows", "filled"}, {"square"}),
                   node("MatMul", {"rows", "view"}, {"product"}),
                   node("Concat", {"filled", "filled"}, {"c0"}, {{"axis", std::int64_t{0}, ""}})};
    for (int i = 0; i < 20; ++i) {
        const std::string from = "c" + std::to_string(i);
        graph.nodes.push_back(
            node("Concat", {from, from}, {"c" + std::to_string(i + 1)}, {{"axis", std::int64_t{0}, ""}}));
    }
    graph.nodes.push_back(
        node("Sum", {"x", "sum", "tiled", "padded", "resized", "square", "product", "c20"}, {"y0"}));
    graph.nodes.push_back(node("Gather", {"y0", "range"}, {"y"}));
    graph.nodes.push_back(
        node("Loop", {"", "yes"}, {"kept"}, {{"body", std::make_shared<const Graph>(body), ""}}));
    return model_of(graph);
}

/// A network of many operators whose attributes and shapes mean something, about 2 KiB.
inline Model model_of_many_operators() {
    using Ints = std::vector<std::int64_t>;
    Graph graph{.name = "net"};
    graph.inputs = {tensor_info("x", ElementType::f32, {-1, 2, 6, 6})};
    graph.outputs = {tensor_info("y", ElementType::f32, {-1, 3}), {.name = "z"}, {.name = "u"}};
    graph.initializers = {tensor_value("w", rand({4, 2, 3, 3})),
                          tensor_value("b", rand({4})),
                          tensor_value("s", ones({4})),
                          tensor_value("m", zeros({4})),
                          tensor_value("fc", rand({3, 36})),
                          tensor_value("shape", tensor<std::int64_t>({0, -1}, {2})),
                          tensor_value("pads", tensor<std::int64_t>({0, 0, 1, 1, 0, 0, 1, 1}, {8})),
                          tensor_value("sizes", tensor({1, 1, 2, 2})),
                          tensor_value("starts", tensor<std::int64_t>({0, 5}, {2})),
                          tensor_value("ends", tensor<std::int64_t>({4, -20}, {2})),
                          tensor_value("axes", tensor<std::int64_t>({1, 3}, {2})),
                          tensor_value("steps", tensor<std::int64_t>({1, -2}, {2})),
                          tensor_value("table", rand({5, 3}))};
    graph.nodes = {
        node("Conv", {"x", "w", "b"}, {"c"},
             {{"pads", Ints{1, 1, 1, 1}},
              {"strides", Ints{2, 2}},
              {"dilations", Ints{1, 1}},
              {"kernel_shape", Ints{3, 3}}}),
        node("BatchNormalization", {"c", "s", "b", "m", "s"}, {"n"}, {{"epsilon", 1e-5F}}),
        node("MaxPool", {"n"}, {"p"},
             {{"kernel_shape", Ints{2, 2}},
              {"strides", Ints{1, 1}},
              {"pads", Ints{0, 0, 1, 1}},
              {"ceil_mode", std::int64_t{1}}}),
        node("Relu", {"p"}, {"r"}),
        node("Reshape", {"r", "shape"}, {"f"}),
        node("Gemm", {"f", "fc"}, {"y"}, {{"transB", std::int64_t{1}}, {"alpha", 0.5F}}),
        node("Pad", {"x", "pads"}, {"q"}, {{"mode", std::string("reflect")}}),
        node("Resize", {"g", "", "sizes"}, {"u"}, {{"nearest_mode", std::string("ceil")}}),
        node("Slice", {"q", "starts", "ends", "axes", "steps"}, {"t"}),
        node("ArgMax", {"t"}, {"i"}, {{"axis", std::int64_t{3}}, {"keepdims", std::int64_t{0}}}),
        node("Gather", {"table", "i"}, {"g"}),
        node("ReduceMean", {"g"}, {"d"}, {{"axes", Ints{-1, 1}}}),
        node("Transpose", {"d"}, {"o"}, {{"perm", Ints{3, 2, 1, 0}}}),
        node("AveragePool", {"o"}, {"z"},
             {{"kernel_shape", Ints{1, 2}}, {"auto_pad", std::string("SAME_UPPER")}}),
    };
    return model_of(graph);
}

}  // namespace adjoint::onnx
