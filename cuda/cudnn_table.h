// The functions of cuDNN that are used, as pointers that are filled when the library is opened.
#pragma once

#include <cudnn.h>

#include <adjoint/cuda/library.h>

namespace adjoint::cuda_backend {

/// The functions of cuDNN that are used, under their own names.
struct Cudnn {
    decltype(&::cudnnGetVersion) cudnnGetVersion = nullptr;
    decltype(&::cudnnGetErrorString) cudnnGetErrorString = nullptr;
    decltype(&::cudnnCreate) cudnnCreate = nullptr;
    decltype(&::cudnnSetStream) cudnnSetStream = nullptr;
    decltype(&::cudnnCreateTensorDescriptor) cudnnCreateTensorDescriptor = nullptr;
    decltype(&::cudnnDestroyTensorDescriptor) cudnnDestroyTensorDescriptor = nullptr;
    decltype(&::cudnnSetTensor4dDescriptor) cudnnSetTensor4dDescriptor = nullptr;
    decltype(&::cudnnCreateFilterDescriptor) cudnnCreateFilterDescriptor = nullptr;
    decltype(&::cudnnDestroyFilterDescriptor) cudnnDestroyFilterDescriptor = nullptr;
    decltype(&::cudnnSetFilter4dDescriptor) cudnnSetFilter4dDescriptor = nullptr;
    decltype(&::cudnnCreateConvolutionDescriptor) cudnnCreateConvolutionDescriptor = nullptr;
    decltype(&::cudnnDestroyConvolutionDescriptor) cudnnDestroyConvolutionDescriptor = nullptr;
    decltype(&::cudnnSetConvolution2dDescriptor) cudnnSetConvolution2dDescriptor = nullptr;
    decltype(&::cudnnSetConvolutionGroupCount) cudnnSetConvolutionGroupCount = nullptr;
    decltype(&::cudnnSetConvolutionMathType) cudnnSetConvolutionMathType = nullptr;
    decltype(&::cudnnGetConvolutionForwardWorkspaceSize) cudnnGetConvolutionForwardWorkspaceSize = nullptr;
    decltype(&::cudnnGetConvolutionBackwardDataWorkspaceSize) cudnnGetConvolutionBackwardDataWorkspaceSize =
        nullptr;
    decltype(&::cudnnGetConvolutionBackwardFilterWorkspaceSize)
        cudnnGetConvolutionBackwardFilterWorkspaceSize = nullptr;
    decltype(&::cudnnConvolutionForward) cudnnConvolutionForward = nullptr;
    decltype(&::cudnnConvolutionBackwardData) cudnnConvolutionBackwardData = nullptr;
    decltype(&::cudnnConvolutionBackwardFilter) cudnnConvolutionBackwardFilter = nullptr;
    decltype(&::cudnnSetTensorNdDescriptor) cudnnSetTensorNdDescriptor = nullptr;
    decltype(&::cudnnCreateDropoutDescriptor) cudnnCreateDropoutDescriptor = nullptr;
    decltype(&::cudnnSetDropoutDescriptor) cudnnSetDropoutDescriptor = nullptr;
    decltype(&::cudnnDestroyDropoutDescriptor) cudnnDestroyDropoutDescriptor = nullptr;
    decltype(&::cudnnCreateRNNDescriptor) cudnnCreateRNNDescriptor = nullptr;
    decltype(&::cudnnSetRNNDescriptor_v8) cudnnSetRNNDescriptor_v8 = nullptr;
    decltype(&::cudnnDestroyRNNDescriptor) cudnnDestroyRNNDescriptor = nullptr;
    decltype(&::cudnnCreateRNNDataDescriptor) cudnnCreateRNNDataDescriptor = nullptr;
    decltype(&::cudnnSetRNNDataDescriptor) cudnnSetRNNDataDescriptor = nullptr;
    decltype(&::cudnnDestroyRNNDataDescriptor) cudnnDestroyRNNDataDescriptor = nullptr;
    decltype(&::cudnnGetRNNTempSpaceSizes) cudnnGetRNNTempSpaceSizes = nullptr;
    decltype(&::cudnnGetRNNWeightSpaceSize) cudnnGetRNNWeightSpaceSize = nullptr;
    decltype(&::cudnnGetRNNWeightParams) cudnnGetRNNWeightParams = nullptr;
    decltype(&::cudnnRNNForward) cudnnRNNForward = nullptr;
    decltype(&::cudnnRNNBackwardData_v8) cudnnRNNBackwardData_v8 = nullptr;
    decltype(&::cudnnRNNBackwardWeights_v8) cudnnRNNBackwardWeights_v8 = nullptr;

    /// Calls f(name, pointer) for each entry.
    template <class F> void each(F&& f) {
        f("cudnnGetVersion", cudnnGetVersion);
        f("cudnnGetErrorString", cudnnGetErrorString);
        f("cudnnCreate", cudnnCreate);
        f("cudnnSetStream", cudnnSetStream);
        f("cudnnCreateTensorDescriptor", cudnnCreateTensorDescriptor);
        f("cudnnDestroyTensorDescriptor", cudnnDestroyTensorDescriptor);
        f("cudnnSetTensor4dDescriptor", cudnnSetTensor4dDescriptor);
        f("cudnnCreateFilterDescriptor", cudnnCreateFilterDescriptor);
        f("cudnnDestroyFilterDescriptor", cudnnDestroyFilterDescriptor);
        f("cudnnSetFilter4dDescriptor", cudnnSetFilter4dDescriptor);
        f("cudnnCreateConvolutionDescriptor", cudnnCreateConvolutionDescriptor);
        f("cudnnDestroyConvolutionDescriptor", cudnnDestroyConvolutionDescriptor);
        f("cudnnSetConvolution2dDescriptor", cudnnSetConvolution2dDescriptor);
        f("cudnnSetConvolutionGroupCount", cudnnSetConvolutionGroupCount);
        f("cudnnSetConvolutionMathType", cudnnSetConvolutionMathType);
        f("cudnnGetConvolutionForwardWorkspaceSize", cudnnGetConvolutionForwardWorkspaceSize);
        f("cudnnGetConvolutionBackwardDataWorkspaceSize", cudnnGetConvolutionBackwardDataWorkspaceSize);
        f("cudnnGetConvolutionBackwardFilterWorkspaceSize", cudnnGetConvolutionBackwardFilterWorkspaceSize);
        f("cudnnConvolutionForward", cudnnConvolutionForward);
        f("cudnnConvolutionBackwardData", cudnnConvolutionBackwardData);
        f("cudnnConvolutionBackwardFilter", cudnnConvolutionBackwardFilter);
        f("cudnnSetTensorNdDescriptor", cudnnSetTensorNdDescriptor);
        f("cudnnCreateDropoutDescriptor", cudnnCreateDropoutDescriptor);
        f("cudnnSetDropoutDescriptor", cudnnSetDropoutDescriptor);
        f("cudnnDestroyDropoutDescriptor", cudnnDestroyDropoutDescriptor);
        f("cudnnCreateRNNDescriptor", cudnnCreateRNNDescriptor);
        f("cudnnSetRNNDescriptor_v8", cudnnSetRNNDescriptor_v8);
        f("cudnnDestroyRNNDescriptor", cudnnDestroyRNNDescriptor);
        f("cudnnCreateRNNDataDescriptor", cudnnCreateRNNDataDescriptor);
        f("cudnnSetRNNDataDescriptor", cudnnSetRNNDataDescriptor);
        f("cudnnDestroyRNNDataDescriptor", cudnnDestroyRNNDataDescriptor);
        f("cudnnGetRNNTempSpaceSizes", cudnnGetRNNTempSpaceSizes);
        f("cudnnGetRNNWeightSpaceSize", cudnnGetRNNWeightSpaceSize);
        f("cudnnGetRNNWeightParams", cudnnGetRNNWeightParams);
        f("cudnnRNNForward", cudnnRNNForward);
        f("cudnnRNNBackwardData_v8", cudnnRNNBackwardData_v8);
        f("cudnnRNNBackwardWeights_v8", cudnnRNNBackwardWeights_v8);
    }
};

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<Cudnn>& cudnn();

}  // namespace adjoint::cuda_backend
