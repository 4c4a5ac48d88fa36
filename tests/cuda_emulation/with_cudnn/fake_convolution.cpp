// What cuda/libraries/dnn.cpp asks of cuDNN, done by the CPU; nothing of 16 bits.
#include <cstring>

#include <adjoint/core/contract/backend.h>

#include "fake_descriptors.h"

struct cudnnFilterStruct {
    int filters = 0, channels = 0, kernel[2] = {};
};
struct cudnnConvolutionStruct {
    int padding[2] = {}, stride[2] = {}, dilation[2] = {}, groups = 1;
};

namespace adjoint::emulated::fake {
namespace {

constexpr cudnnStatus_t done = CUDNN_STATUS_SUCCESS, wrong = CUDNN_STATUS_BAD_PARAM;
constexpr std::size_t workspace_bytes = 700;

template <class T> cudnnStatus_t make_one(T** made) {
    if (fake_cudnn().describe != done) return fake_cudnn().describe;
    *made = new T;
    return done;
}
template <class T> cudnnStatus_t destroy_one(T* made) {
    delete made;
    return done;
}

// Nothing can be said of a descriptor that was not made.
cudnnStatus_t set_planes(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t, cudnnDataType_t type, int n,
                         int channels, int height, int width) {
    if (!tensor) return wrong;
    *tensor = {{n, channels, height, width}, type};
    return done;
}
cudnnStatus_t set_filter(cudnnFilterDescriptor_t filter, cudnnDataType_t, cudnnTensorFormat_t, int filters,
                         int channels, int height, int width) {
    if (!filter) return wrong;
    *filter = {filters, channels, {height, width}};
    return done;
}
cudnnStatus_t set_convolution(cudnnConvolutionDescriptor_t c, int up, int left, int down, int right,
                              int dilation_down, int dilation_right, cudnnConvolutionMode_t mode,
                              cudnnDataType_t) {
    if (!c || mode != CUDNN_CROSS_CORRELATION) return wrong;
    *c = {{up, left}, {down, right}, {dilation_down, dilation_right}, c->groups};
    return done;
}
cudnnStatus_t set_groups(cudnnConvolutionDescriptor_t c, int groups) {
    if (!c) return wrong;
    c->groups = groups;
    return done;
}
cudnnStatus_t set_math(cudnnConvolutionDescriptor_t c, cudnnMathType_t) { return c ? done : wrong; }

Convolution geometry(const cudnnTensorStruct& x, const cudnnFilterStruct& w, const cudnnConvolutionStruct& c,
                     const cudnnTensorStruct& y) {
    Convolution all;
    Windows& s = all.windows;
    s.batch = x.sizes[0];
    s.channels = x.sizes[1];
    for (int axis = 0; axis < 2; ++axis) {
        s.size[axis] = x.sizes[2 + axis];
        s.output[axis] = y.sizes[2 + axis];
        s.kernel[axis] = w.kernel[axis];
        s.padding[axis] = c.padding[axis];
        s.stride[axis] = c.stride[axis];
        s.dilation[axis] = c.dilation[axis];
    }
    s.dtype = x.type == CUDNN_DATA_DOUBLE ? DType::f64 : DType::f32;
    all.filters = w.filters;
    all.groups = c.groups;
    return all;
}

cudnnStatus_t needed(std::size_t* bytes) {
    ++fake_cudnn().questions;
    *bytes = workspace_bytes;
    return fake_cudnn().workspace;
}
cudnnStatus_t forward_workspace(cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,
                                cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t,
                                cudnnConvolutionFwdAlgo_t, std::size_t* bytes) {
    return needed(bytes);
}
cudnnStatus_t data_workspace(cudnnHandle_t, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t,
                             cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t,
                             cudnnConvolutionBwdDataAlgo_t, std::size_t* bytes) {
    return needed(bytes);
}
cudnnStatus_t filter_workspace(cudnnHandle_t, cudnnTensorDescriptor_t, cudnnTensorDescriptor_t,
                               cudnnConvolutionDescriptor_t, cudnnFilterDescriptor_t,
                               cudnnConvolutionBwdFilterAlgo_t, std::size_t* bytes) {
    return needed(bytes);
}

// Queues the call, unless the algorithm is to refuse it.
template <class Call>
cudnnStatus_t start(cudnnHandle_t handle, cudnnDataType_t type, int algorithm, void* workspace,
                    std::size_t bytes, const Call& call) {
    FakeCudnn& fake = fake_cudnn();
    fake.tried.push_back(algorithm);
    if (type != CUDNN_DATA_FLOAT && type != CUDNN_DATA_DOUBLE) return CUDNN_STATUS_NOT_SUPPORTED;
    if (fake.algorithms[algorithm] != done) return fake.algorithms[algorithm];
    if (bytes != workspace_bytes) return wrong;
    ++fake.convolutions;
    queue(handle->stream, [=] {
        std::memset(workspace, 0x77, bytes);
        cpu_backend().run(call);
    });
    return done;
}
cudnnStatus_t start_forward(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x_shape, const void* x,
                            cudnnFilterDescriptor_t w_shape, const void* w, cudnnConvolutionDescriptor_t c,
                            cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t bytes,
                            const void*, cudnnTensorDescriptor_t y_shape, void* y) {
    return start(handle, x_shape->type, algorithm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, workspace,
                 bytes, call::Convolve{y, x, w, geometry(*x_shape, *w_shape, *c, *y_shape), {}});
}
cudnnStatus_t start_data(cudnnHandle_t handle, const void*, cudnnFilterDescriptor_t w_shape, const void* w,
                         cudnnTensorDescriptor_t y_shape, const void* g, cudnnConvolutionDescriptor_t c,
                         cudnnConvolutionBwdDataAlgo_t, void* workspace, std::size_t bytes, const void*,
                         cudnnTensorDescriptor_t x_shape, void* dx) {
    return start(handle, x_shape->type, 0, workspace, bytes,
                 call::ConvolveInput{dx, g, w, geometry(*x_shape, *w_shape, *c, *y_shape)});
}
cudnnStatus_t start_filter(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x_shape, const void* x,
                           cudnnTensorDescriptor_t y_shape, const void* g, cudnnConvolutionDescriptor_t c,
                           cudnnConvolutionBwdFilterAlgo_t, void* workspace, std::size_t bytes, const void*,
                           cudnnFilterDescriptor_t w_shape, void* dw) {
    return start(handle, x_shape->type, 0, workspace, bytes,
                 call::ConvolveWeight{dw, x, g, geometry(*x_shape, *w_shape, *c, *y_shape)});
}

}  // namespace

void add_convolutions(FakeLibrary& library) {
    const std::map<std::string_view, void*> functions{
        {"cudnnSetTensor4dDescriptor", address(set_planes)},
        {"cudnnCreateFilterDescriptor", address(make_one<cudnnFilterStruct>)},
        {"cudnnDestroyFilterDescriptor", address(destroy_one<cudnnFilterStruct>)},
        {"cudnnSetFilter4dDescriptor", address(set_filter)},
        {"cudnnCreateConvolutionDescriptor", address(make_one<cudnnConvolutionStruct>)},
        {"cudnnDestroyConvolutionDescriptor", address(destroy_one<cudnnConvolutionStruct>)},
        {"cudnnSetConvolution2dDescriptor", address(set_convolution)},
        {"cudnnSetConvolutionGroupCount", address(set_groups)},
        {"cudnnSetConvolutionMathType", address(set_math)},
        {"cudnnGetConvolutionForwardWorkspaceSize", address(forward_workspace)},
        {"cudnnGetConvolutionBackwardDataWorkspaceSize", address(data_workspace)},
        {"cudnnGetConvolutionBackwardFilterWorkspaceSize", address(filter_workspace)},
        {"cudnnConvolutionForward", address(start_forward)},
        {"cudnnConvolutionBackwardData", address(start_data)},
        {"cudnnConvolutionBackwardFilter", address(start_filter)}};
    library.functions.insert(functions.begin(), functions.end());
}

}  // namespace adjoint::emulated::fake
