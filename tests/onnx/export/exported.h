// What the tests ask of models that are written, and of those that are refused.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/onnx.h>

namespace adjoint::onnx {

using Texts = std::vector<std::string>;

inline Texts operators(const Model& model) {
    Texts list;
    for (const Node& node : model.graph.nodes) list.push_back(node.op_type);
    return list;
}

/// A function is refused with a message that contains all parts.
inline void expect_refused(const ListFunction& function, const std::vector<Tensor>& inputs,
                           const Texts& parts, const ExportOptions& options = {}) {
    try {
        to_model(function, inputs, options);
        ADD_FAILURE() << "not refused: " << parts[0];
    } catch (const Error& error) {
        for (const std::string& part : parts)
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
}

}  // namespace adjoint::onnx
