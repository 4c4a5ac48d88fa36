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

}  // namespace adjoint::onnx
