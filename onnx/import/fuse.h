// Steps put together: a convolution or product with the normalisation and the activation behind it. Private.
#pragma once

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/onnx/import/program.h>

namespace adjoint::onnx {

/// What a step is made of, beside it while the program is put together.
struct StepOrigin {
    const Row* row;
    const Node* node;
    FuseMaker fuse;  ///< null for what takes nothing in
};

/// Merges each BatchNormalization and Relu into the step before it where that alone feeds it and its row
/// says how. `origins` stay beside the steps.
void fuse_steps(Program& program, std::vector<StepOrigin>& origins);

}  // namespace adjoint::onnx
