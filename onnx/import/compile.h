// From the graph of a file to a Program and the tensors that a module keeps. Private.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <adjoint/onnx/format/model.h>
#include <adjoint/onnx/import/program.h>

namespace adjoint::onnx {

/// A tensor of the module, by the name of its initializer.
struct Weight {
    std::string name;
    Tensor tensor;
    bool trains;  ///< else it is a buffer
};

struct Compiled {
    std::shared_ptr<const Program> program;
    std::vector<Weight> weights;  ///< in the program's order
    std::vector<ValueInfo> inputs, outputs;
    std::vector<ValueInfo> optional;  ///< inputs that have an initializer and are not given
};

/// Of a model that was compiled before, for other inputs.
struct Again {
    std::set<std::string> given{};            ///< initializers that are inputs this time
    std::map<std::string, Tensor> weights{};  ///< initializers that are known, whose bytes nobody needs
};

/// errors: UnsupportedError with everything that is not supported; ValueError for a graph that
/// makes no sense.
Compiled compile(const Model& model, const Again& again = {});

}  // namespace adjoint::onnx
