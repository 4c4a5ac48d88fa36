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
    }
};

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<Cudnn>& cudnn();

}  // namespace adjoint::cuda_backend
