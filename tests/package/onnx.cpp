// The same for adjoint::onnx: a model through its bytes and back, and run.
#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

#include <iostream>
#include <span>
#include <string>

int main() {
    namespace onnx = adjoint::onnx;
    onnx::Graph graph{.name = "relu"};
    graph.inputs = {{.name = "x"}};
    graph.outputs = {{.name = "y"}};
    graph.nodes = {{.op_type = "Relu", .inputs = {"x"}, .outputs = {"y"}}};
    const std::string bytes = onnx::to_bytes({.operator_sets = {{"", 17}}, .graph = graph});
    const onnx::Network network(onnx::read(std::as_bytes(std::span(bytes)), "relu"));
    const adjoint::Tensor y = network(adjoint::tensor({-1, 2}));
    std::cout << "adjoint " << adjoint::version << ", ONNX: " << y.to_string() << '\n';
    return adjoint::equal(y, adjoint::tensor({0, 2})) ? 0 : 1;
}
