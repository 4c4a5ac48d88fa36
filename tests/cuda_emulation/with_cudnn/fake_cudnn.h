// A cuDNN on the emulator that can be made to fail.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <string>
#include <vector>

namespace adjoint::emulated {

struct FakeCudnn {
    std::size_t version = 91900;
    std::size_t gap = 0;    // bytes that it leaves between weights; without one they are neighbours
    bool takes_gru = true;  // whether it has such layers
    int plans = 0;          // descriptors of layers made so far
    cudnnStatus_t create = CUDNN_STATUS_SUCCESS;
    cudnnStatus_t layer = CUDNN_STATUS_SUCCESS;  // of the forward pass of a layer
    std::string cublas_workspace;                // CUBLAS_WORKSPACE_CONFIG when the last handle was made

    // Of convolutions: what the algorithms of a direction answer, a descriptor, and the question for the
    // workspace of an algorithm.
    cudnnStatus_t algorithms[2] = {}, describe = CUDNN_STATUS_SUCCESS, workspace = CUDNN_STATUS_SUCCESS;
    int handles = 0, questions = 0, convolutions = 0;  // so far
    std::vector<int> tried;
};
FakeCudnn& fake_cudnn();

}  // namespace adjoint::emulated
