// A cuDNN that convolves nothing and looks at what it is asked to.
#include <cudnn.h>

#include <array>
#include <string>

#include "../runtime/fake.h"

using namespace adjoint::fake_cuda;

struct cudnnContext {
    cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
    std::array<int, 4> sizes{1, 1, 1, 1};
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
};
struct cudnnFilterStruct {
    std::array<int, 4> sizes{1, 1, 1, 1};
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
};
struct cudnnConvolutionStruct {
    std::array<int, 2> padding{}, stride{1, 1}, dilation{1, 1};
    int groups = 1;
};
struct cudnnDropoutStruct {};
struct cudnnRNNStruct {
    int inputs = 0, hidden = 0, gates = 0;
    bool bias = false;
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
};
struct cudnnRNNDataStruct {
    int steps = 0, batch = 0, width = 0;
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
};

namespace {

constexpr cudnnStatus_t good = CUDNN_STATUS_SUCCESS;
constexpr std::size_t workspace_bytes = 700, reserve_bytes = 900;

template <class F> cudnnStatus_t answer(const char* name, const F& body) {
    if (!begin_call(name)) return CUDNN_STATUS_INTERNAL_ERROR;
    body();
    return good;
}
template <class T> cudnnStatus_t make(const char* name, T** made) {
    return answer(name, [&] { *made = new T; });
}
template <class T> cudnnStatus_t destroy(const char* name, T* made) {
    return answer(name, [&] { delete made; });
}

void require(bool condition, const char* what) {
    if (!condition) violation(what);
}

std::size_t element(cudnnDataType_t type) {
    return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 2;
}
template <class Described> std::size_t bytes_of(const Described* d) {
    std::size_t bytes = element(d->type);
    for (const int size : d->sizes) bytes *= static_cast<std::size_t>(size);
    return bytes;
}

void check_convolution(cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t c,
                       cudnnTensorDescriptor_t y) {
    require(x->sizes[1] == w->sizes[1] * c->groups && w->sizes[0] % c->groups == 0,
            "channels of a convolution");
    require(y->sizes[0] == x->sizes[0] && y->sizes[1] == w->sizes[0], "the result of a convolution");
    require(x->type == w->type && x->type == y->type, "operands of different types");
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const int reach = c->dilation[axis] * (w->sizes[2 + axis] - 1) + 1;
        require(
            y->sizes[2 + axis] == (x->sizes[2 + axis] + 2 * c->padding[axis] - reach) / c->stride[axis] + 1,
            "the planes of a convolution");
    }
}
cudnnStatus_t workspace_size(const char* name, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                             cudnnConvolutionDescriptor_t c, cudnnTensorDescriptor_t y, std::size_t* bytes) {
    return answer(name, [&] {
        check_convolution(x, w, c, y);
        *bytes = workspace_bytes;
    });
}
// Which of the three is written follows from the kinds.
cudnnStatus_t convolve(const char* name, cudnnHandle_t handle, cudnnConvolutionDescriptor_t c,
                       cudnnTensorDescriptor_t x, const Access& at_x, cudnnFilterDescriptor_t w,
                       const Access& at_w, cudnnTensorDescriptor_t y, const Access& at_y, void* workspace,
                       std::size_t bytes) {
    return answer(name, [&] {
        check_convolution(x, w, c, y);
        require(bytes == workspace_bytes, "the workspace of a convolution");
        enqueue(handle->stream, {name, {at_x, at_w, at_y, {workspace, bytes, Access::writes}}});
    });
}

// The weights of a layer: matrices of all gates, then biases.
std::size_t matrix_bytes(const cudnnRNNStruct& rnn, int id) {
    return static_cast<std::size_t>(id < rnn.gates ? rnn.inputs : rnn.hidden) *
           static_cast<std::size_t>(rnn.hidden) * element(rnn.type);
}
std::size_t matrix_at(const cudnnRNNStruct& rnn, int id) {
    std::size_t place = 0;
    for (int before = 0; before < id; ++before) place += matrix_bytes(rnn, before);
    return place;
}
std::size_t bias_at(const cudnnRNNStruct& rnn, int id) {
    return matrix_at(rnn, 2 * rnn.gates) +
           static_cast<std::size_t>(rnn.bias ? id * rnn.hidden : 0) * element(rnn.type);
}
std::size_t weight_bytes(const cudnnRNNStruct& rnn) { return bias_at(rnn, 2 * rnn.gates); }

struct LayerCall {
    const char* name;
    cudnnHandle_t handle;
    const cudnnRNNStruct& rnn;
    const cudnnRNNDataStruct &x, &y;
    std::size_t weights, work, reserve, wanted_reserve;
    std::vector<Access> accesses;

    Access of(const cudnnRNNDataStruct& data, const void* at, Access::Kind kind) const {
        return {at,
                static_cast<std::size_t>(data.steps) * static_cast<std::size_t>(data.batch) *
                    static_cast<std::size_t>(data.width) * element(data.type),
                kind};
    }
    Access state(const void* at, Access::Kind kind) const {
        return {at,
                static_cast<std::size_t>(x.batch) * static_cast<std::size_t>(rnn.hidden) * element(rnn.type),
                kind};
    }
};
cudnnStatus_t run_layer(LayerCall c) {
    return answer(c.name, [&] {
        require(c.x.width == c.rnn.inputs && c.y.width == c.rnn.hidden && c.x.steps == c.y.steps &&
                    c.x.batch == c.y.batch,
                "the shapes of a layer");
        require(
            c.weights == weight_bytes(c.rnn) && c.work == workspace_bytes && c.reserve == c.wanted_reserve,
            "the memory of a layer");
        std::erase_if(c.accesses, [](const Access& access) { return !access.data; });
        enqueue(c.handle->stream, {c.name, std::move(c.accesses)});
    });
}

}  // namespace

extern "C" {

std::size_t cudnnGetVersion() { return CUDNN_VERSION; }
const char* cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_INTERNAL_ERROR ? "CUDNN_STATUS_INTERNAL_ERROR" : "another status";
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(__func__, handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    return answer(__func__, [&] { handle->stream = stream; });
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* made) { return make(__func__, made); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t made) { return destroy(__func__, made); }
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* made) { return make(__func__, made); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t made) { return destroy(__func__, made); }
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* made) {
    return make(__func__, made);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t made) {
    return destroy(__func__, made);
}
cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* made) { return make(__func__, made); }
cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t made) { return destroy(__func__, made); }
cudnnStatus_t cudnnCreateRNNDescriptor(cudnnRNNDescriptor_t* made) { return make(__func__, made); }
cudnnStatus_t cudnnDestroyRNNDescriptor(cudnnRNNDescriptor_t made) { return destroy(__func__, made); }
cudnnStatus_t cudnnCreateRNNDataDescriptor(cudnnRNNDataDescriptor_t* made) { return make(__func__, made); }
cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t made) { return destroy(__func__, made); }

// A descriptor that could not be made is no place to write to.
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t tensor, cudnnTensorFormat_t,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
    if (!tensor) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] { *tensor = {{n, c, h, w}, type}; });
}
cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t tensor, cudnnDataType_t type, int rank,
                                         const int sizes[], const int[]) {
    if (!tensor) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] {
        *tensor = {{1, 1, 1, 1}, type};
        for (int i = 0; i < rank; ++i) tensor->sizes[static_cast<std::size_t>(i)] = sizes[i];
    });
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t, int k, int c, int h, int w) {
    if (!filter) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] { *filter = {{k, c, h, w}, type}; });
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t c, int up, int left, int down,
                                              int right, int dilation_down, int dilation_right,
                                              cudnnConvolutionMode_t, cudnnDataType_t) {
    if (!c) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] {
        *c = {{up, left}, {down, right}, {dilation_down, dilation_right}, c->groups};
    });
}
cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t c, int groups) {
    if (!c) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] { c->groups = groups; });
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t c, cudnnMathType_t) {
    if (!c) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [] {});
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                      cudnnFilterDescriptor_t w,
                                                      cudnnConvolutionDescriptor_t c,
                                                      cudnnTensorDescriptor_t y, cudnnConvolutionFwdAlgo_t,
                                                      std::size_t* bytes) {
    return workspace_size(__func__, x, w, c, y, bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t y, cudnnConvolutionDescriptor_t c,
    cudnnTensorDescriptor_t x, cudnnConvolutionBwdDataAlgo_t, std::size_t* bytes) {
    return workspace_size(__func__, x, w, c, y, bytes);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t y, cudnnConvolutionDescriptor_t c,
    cudnnFilterDescriptor_t w, cudnnConvolutionBwdFilterAlgo_t, std::size_t* bytes) {
    return workspace_size(__func__, x, w, c, y, bytes);
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x,
                                      const void* at_x, cudnnFilterDescriptor_t w, const void* at_w,
                                      cudnnConvolutionDescriptor_t c, cudnnConvolutionFwdAlgo_t,
                                      void* workspace, std::size_t bytes, const void*,
                                      cudnnTensorDescriptor_t y, void* at_y) {
    return convolve(__func__, handle, c, x, {at_x, bytes_of(x), Access::reads}, w,
                    {at_w, bytes_of(w), Access::reads}, y, {at_y, bytes_of(y), Access::writes}, workspace,
                    bytes);
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void*, cudnnFilterDescriptor_t w,
                                           const void* at_w, cudnnTensorDescriptor_t y, const void* at_y,
                                           cudnnConvolutionDescriptor_t c, cudnnConvolutionBwdDataAlgo_t,
                                           void* workspace, std::size_t bytes, const void*,
                                           cudnnTensorDescriptor_t x, void* at_x) {
    return convolve(__func__, handle, c, x, {at_x, bytes_of(x), Access::writes}, w,
                    {at_w, bytes_of(w), Access::reads}, y, {at_y, bytes_of(y), Access::reads}, workspace,
                    bytes);
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x,
                                             const void* at_x, cudnnTensorDescriptor_t y, const void* at_y,
                                             cudnnConvolutionDescriptor_t c, cudnnConvolutionBwdFilterAlgo_t,
                                             void* workspace, std::size_t bytes, const void*,
                                             cudnnFilterDescriptor_t w, void* at_w) {
    return convolve(__func__, handle, c, x, {at_x, bytes_of(x), Access::reads}, w,
                    {at_w, bytes_of(w), Access::writes}, y, {at_y, bytes_of(y), Access::reads}, workspace,
                    bytes);
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t dropout, cudnnHandle_t, float, void*,
                                        std::size_t, unsigned long long) {
    if (!dropout) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [] {});
}
cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t, cudnnRNNMode_t mode,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t, cudnnRNNInputMode_t,
                                       cudnnDataType_t type, cudnnDataType_t, cudnnMathType_t,
                                       std::int32_t inputs, std::int32_t hidden, std::int32_t, std::int32_t,
                                       cudnnDropoutDescriptor_t, std::uint32_t) {
    if (!rnn) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] {
        const int gates = mode == CUDNN_LSTM ? 4 : mode == CUDNN_GRU ? 3 : 1;
        *rnn = {inputs, hidden, gates, bias == CUDNN_RNN_DOUBLE_BIAS, type};
    });
}
cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t data, cudnnDataType_t type,
                                        cudnnRNNDataLayout_t, int steps, int batch, int width, const int[],
                                        void*) {
    if (!data) return CUDNN_STATUS_BAD_PARAM;
    return answer(__func__, [&] { *data = {steps, batch, width, type}; });
}
cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t, cudnnRNNDescriptor_t, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t, std::size_t* workspace,
                                        std::size_t* reserve) {
    return answer(__func__, [&] {
        *workspace = workspace_bytes;
        *reserve = mode == CUDNN_FWD_MODE_TRAINING ? reserve_bytes : 0;
    });
}
cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t, cudnnRNNDescriptor_t rnn, std::size_t* bytes) {
    return answer(__func__, [&] { *bytes = weight_bytes(*rnn); });
}
cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t, cudnnRNNDescriptor_t rnn, std::int32_t, std::size_t,
                                      const void* weights, std::int32_t id, cudnnTensorDescriptor_t,
                                      void** matrix, cudnnTensorDescriptor_t, void** bias) {
    return answer(__func__, [&] {
        char* const start = static_cast<char*>(const_cast<void*>(weights));
        *matrix = start + matrix_at(*rnn, id);
        *bias = rnn->bias ? start + bias_at(*rnn, id) : nullptr;
    });
}
cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const std::int32_t[], cudnnRNNDataDescriptor_t x, const void* at_x,
                              cudnnRNNDataDescriptor_t y, void* at_y, cudnnTensorDescriptor_t,
                              const void* h_0, void* h_n, cudnnTensorDescriptor_t, const void* c_0, void* c_n,
                              std::size_t weights, const void* at_weights, std::size_t work, void* workspace,
                              std::size_t reserve, void* at_reserve) {
    LayerCall call{__func__, handle,  *rnn,
                   *x,       *y,      weights,
                   work,     reserve, mode == CUDNN_FWD_MODE_TRAINING ? reserve_bytes : 0,
                   {}};
    call.accesses = {call.of(*x, at_x, Access::reads),     call.of(*y, at_y, Access::writes),
                     call.state(h_0, Access::reads),       call.state(h_n, Access::writes),
                     call.state(c_0, Access::reads),       call.state(c_n, Access::writes),
                     {at_weights, weights, Access::reads}, {workspace, work, Access::writes},
                     {at_reserve, reserve, Access::writes}};
    return run_layer(std::move(call));
}
cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const std::int32_t[],
                                      cudnnRNNDataDescriptor_t y, const void* at_y, const void* dy,
                                      cudnnRNNDataDescriptor_t x, void* dx, cudnnTensorDescriptor_t,
                                      const void* h_0, const void* dh_n, void* dh_0, cudnnTensorDescriptor_t,
                                      const void* c_0, const void* dc_n, void* dc_0, std::size_t weights,
                                      const void* at_weights, std::size_t work, void* workspace,
                                      std::size_t reserve, void* at_reserve) {
    LayerCall call{__func__, handle, *rnn, *x, *y, weights, work, reserve, reserve_bytes, {}};
    call.accesses = {call.of(*y, at_y, Access::reads),  call.of(*y, dy, Access::reads),
                     call.of(*x, dx, Access::writes),   call.state(h_0, Access::reads),
                     call.state(dh_n, Access::reads),   call.state(dh_0, Access::writes),
                     call.state(c_0, Access::reads),    call.state(dc_n, Access::reads),
                     call.state(dc_0, Access::writes),  {at_weights, weights, Access::reads},
                     {workspace, work, Access::writes}, {at_reserve, reserve, Access::writes}};
    return run_layer(std::move(call));
}
cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t,
                                         const std::int32_t[], cudnnRNNDataDescriptor_t x, const void* at_x,
                                         cudnnTensorDescriptor_t, const void* h_0, cudnnRNNDataDescriptor_t y,
                                         const void* at_y, std::size_t weights, void* sums, std::size_t work,
                                         void* workspace, std::size_t reserve, void* at_reserve) {
    LayerCall call{__func__, handle, *rnn, *x, *y, weights, work, reserve, reserve_bytes, {}};
    call.accesses = {call.of(*x, at_x, Access::reads),  call.of(*y, at_y, Access::reads),
                     call.state(h_0, Access::reads),    {sums, weights, Access::writes},
                     {workspace, work, Access::writes}, {at_reserve, reserve, Access::reads}};
    return run_layer(std::move(call));
}

}  // extern "C"
