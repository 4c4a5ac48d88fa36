// The functions of cuDNN that are used, as pointers that are filled when the library is opened.
#pragma once

#include <cudnn.h>

#include <adjoint/cuda/libraries/library.h>

// clang-format off
#define ADJOINT_CUDNN_FUNCTIONS(X)                                                                          \
    X(cudnnGetVersion) X(cudnnGetErrorString) X(cudnnCreate) X(cudnnSetStream)                              \
    X(cudnnCreateTensorDescriptor) X(cudnnDestroyTensorDescriptor) X(cudnnSetTensor4dDescriptor)            \
    X(cudnnCreateFilterDescriptor) X(cudnnDestroyFilterDescriptor) X(cudnnSetFilter4dDescriptor)            \
    X(cudnnCreateConvolutionDescriptor) X(cudnnDestroyConvolutionDescriptor)                                \
    X(cudnnSetConvolution2dDescriptor) X(cudnnSetConvolutionGroupCount) X(cudnnSetConvolutionMathType)      \
    X(cudnnGetConvolutionForwardWorkspaceSize) X(cudnnGetConvolutionBackwardDataWorkspaceSize)              \
    X(cudnnGetConvolutionBackwardFilterWorkspaceSize) X(cudnnConvolutionForward)                            \
    X(cudnnConvolutionBackwardData) X(cudnnConvolutionBackwardFilter) X(cudnnSetTensorNdDescriptor)         \
    X(cudnnCreateDropoutDescriptor) X(cudnnSetDropoutDescriptor) X(cudnnDestroyDropoutDescriptor)           \
    X(cudnnCreateRNNDescriptor) X(cudnnSetRNNDescriptor_v8) X(cudnnDestroyRNNDescriptor)                    \
    X(cudnnCreateRNNDataDescriptor) X(cudnnSetRNNDataDescriptor) X(cudnnDestroyRNNDataDescriptor)           \
    X(cudnnGetRNNTempSpaceSizes) X(cudnnGetRNNWeightSpaceSize) X(cudnnGetRNNWeightParams)                   \
    X(cudnnRNNForward) X(cudnnRNNBackwardData_v8) X(cudnnRNNBackwardWeights_v8)
// clang-format on

namespace adjoint::cuda_backend {

/// The functions of cuDNN that are used, under their own names.
ADJOINT_LIBRARY_TABLE(Cudnn, ADJOINT_CUDNN_FUNCTIONS)

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<Cudnn>& cudnn();

}  // namespace adjoint::cuda_backend
