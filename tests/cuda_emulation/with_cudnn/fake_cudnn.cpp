// What cuda/libraries/dnn_recurrent.cpp asks of cuDNN, on the host and by the loops of
// emulated_recurrence.cpp. What the real one does not promise is made to hurt: weights lie in an order of its
// own, the backward pass spoils the memory that the forward pass left, and gradients of weights are added to
// what was there.
#include "fake_cudnn.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <adjoint/cuda/libraries/cudnn_table.h>

#include "../fake_library.h"
#include "fake_descriptors.h"

namespace adjoint::emulated {

using fake::Bytes;
using fake::DenseWeights;

FakeCudnn& fake_cudnn() {
    static FakeCudnn state;
    return state;
}

namespace {

constexpr std::size_t training_workspace = 1000, inference_workspace = 500;
constexpr cudnnStatus_t good = CUDNN_STATUS_SUCCESS, bad = CUDNN_STATUS_BAD_PARAM;

cudnnStatus_t only(bool condition) { return condition ? good : bad; }
std::size_t reserve_of(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x) {
    return reserve_bytes(rnn.over(x)) + 24;
}
void* or_null(Bytes& bytes) { return bytes.empty() ? nullptr : bytes.data(); }

cudnnStatus_t refusal() { return CUDNN_STATUS_NOT_SUPPORTED; }
std::size_t version() { return fake_cudnn().version; }
const char* text(cudnnStatus_t) { return "a refusal of the fake"; }
cudnnStatus_t create(cudnnHandle_t* handle) {
    const char* const workspace = std::getenv("CUBLAS_WORKSPACE_CONFIG");
    fake_cudnn().cublas_workspace = workspace ? workspace : "";
    ++fake_cudnn().handles;
    if (fake_cudnn().create != good) return fake_cudnn().create;
    static std::vector<std::unique_ptr<cudnnContext>> all;  // nobody destroys them
    *handle = all.emplace_back(std::make_unique<cudnnContext>()).get();
    return good;
}
cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream) {
    handle->stream = stream;
    return good;
}
template <class T> cudnnStatus_t make(T** made) {
    *made = new T;
    return good;
}
template <class T> cudnnStatus_t destroy(T* made) {
    delete made;
    return good;
}

cudnnStatus_t set_tensor(cudnnTensorDescriptor_t tensor, cudnnDataType_t, int rank, const int sizes[],
                         const int strides[]) {
    if (rank != 3 || strides[2] != 1 || strides[1] != sizes[2] || strides[0] != sizes[1] * sizes[2])
        return bad;
    std::copy(sizes, sizes + 3, tensor->sizes);
    return good;
}
cudnnStatus_t set_dropout(cudnnDropoutDescriptor_t dropout, cudnnHandle_t handle, float p, void* states,
                          std::size_t bytes, unsigned long long) {
    dropout->none = handle && p == 0 && !states && bytes == 0;
    return only(dropout->none);
}
cudnnStatus_t set_rnn(cudnnRNNDescriptor_t rnn, cudnnRNNAlgo_t algorithm, cudnnRNNMode_t mode,
                      cudnnRNNBiasMode_t bias, cudnnDirectionMode_t direction, cudnnRNNInputMode_t input,
                      cudnnDataType_t type, cudnnDataType_t compute, cudnnMathType_t math,
                      std::int32_t inputs, std::int32_t hidden, std::int32_t projection, std::int32_t layers,
                      cudnnDropoutDescriptor_t dropout, std::uint32_t flags) {
    ++fake_cudnn().plans;
    static const std::map<cudnnRNNMode_t, RecurrentKind> kinds{{CUDNN_RNN_RELU, RecurrentKind::rnn_relu},
                                                               {CUDNN_RNN_TANH, RecurrentKind::rnn_tanh},
                                                               {CUDNN_LSTM, RecurrentKind::lstm},
                                                               {CUDNN_GRU, RecurrentKind::gru}};
    rnn->r.kind = kinds.at(mode);
    rnn->r.bias = bias == CUDNN_RNN_DOUBLE_BIAS;
    rnn->r.dtype = type == CUDNN_DATA_DOUBLE ? DType::f64 : DType::f32;
    rnn->r.inputs = inputs;
    rnn->r.hidden = hidden;
    if (mode == CUDNN_GRU && !fake_cudnn().takes_gru) return CUDNN_STATUS_NOT_SUPPORTED;
    return only(algorithm == CUDNN_RNN_ALGO_STANDARD && (rnn->r.bias || bias == CUDNN_RNN_NO_BIAS) &&
                direction == CUDNN_UNIDIRECTIONAL && input == CUDNN_LINEAR_INPUT && compute == type &&
                (math == CUDNN_FMA_MATH) == (type == CUDNN_DATA_FLOAT) && projection == hidden &&
                layers == 1 && dropout->none && flags == CUDNN_RNN_PADDED_IO_DISABLED);
}
cudnnStatus_t set_data(cudnnRNNDataDescriptor_t data, cudnnDataType_t, cudnnRNNDataLayout_t layout, int steps,
                       int batch, int width, const int lengths[], void*) {
    *data = {steps, batch, width};
    for (int n = 0; n < batch; ++n)
        if (lengths[n] != steps) return bad;
    return only(layout == CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED);
}

cudnnStatus_t temporary_sizes(cudnnHandle_t, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              cudnnRNNDataDescriptor_t x, std::size_t* workspace, std::size_t* reserve) {
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    *workspace = training ? training_workspace : inference_workspace;
    *reserve = training ? reserve_of(*rnn, *x) : 0;
    return good;
}
cudnnStatus_t weight_size(cudnnHandle_t, cudnnRNNDescriptor_t rnn, std::size_t* bytes) {
    *bytes = rnn->weights();
    return good;
}
cudnnStatus_t weight_places(cudnnHandle_t, cudnnRNNDescriptor_t rnn, std::int32_t layer, std::size_t bytes,
                            const void* weights, std::int32_t id, cudnnTensorDescriptor_t matrix_tensor,
                            void** matrix, cudnnTensorDescriptor_t bias_tensor, void** bias) {
    char* start = static_cast<char*>(const_cast<void*>(weights));
    *matrix = start + rnn->matrix_at(id);
    *bias = rnn->r.bias ? start + rnn->bias_at(id) : nullptr;
    return only(layer == 0 && bytes == rnn->weights() && start && matrix_tensor && bias_tensor);
}

// The operands of a call, if everything about it is as it should be.
bool fits(const cudnnRNNStruct& rnn, const cudnnRNNDataStruct& x, const cudnnRNNDataStruct& y,
          const cudnnTensorStruct& state, std::size_t weights, const std::int32_t* lengths) {
    return x.steps == y.steps && x.batch == y.batch && x.width == rnn.r.inputs && y.width == rnn.r.hidden &&
           state.sizes[0] == 1 && state.sizes[1] == x.batch && state.sizes[2] == rnn.r.hidden &&
           weights == rnn.weights() && !lengths;
}
RecurrentPass operands(DenseWeights& dense) {
    RecurrentPass pass;
    pass.w_ih = dense.w_ih.data();
    pass.w_hh = dense.w_hh.data();
    pass.b_ih = or_null(dense.b_ih);
    pass.b_hh = or_null(dense.b_hh);
    return pass;
}

cudnnStatus_t forward_pass(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                           const std::int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void* x,
                           cudnnRNNDataDescriptor_t y_data, void* y, cudnnTensorDescriptor_t state,
                           const void* h_0, void* h_n, cudnnTensorDescriptor_t, const void* c_0, void* c_n,
                           std::size_t weight_bytes, const void* weights, std::size_t work_bytes, void*,
                           std::size_t reserve_bytes, void* reserve) {
    const bool training = mode == CUDNN_FWD_MODE_TRAINING;
    if (fake_cudnn().layer != good) return fake_cudnn().layer;
    if (!fits(*rnn, *x_data, *y_data, *state, weight_bytes, lengths) ||
        work_bytes != (training ? training_workspace : inference_workspace) ||
        training != (reserve != nullptr) || reserve_bytes != (training ? reserve_of(*rnn, *x_data) : 0) ||
        rnn->r.has_cell() != (c_n != nullptr))
        return bad;
    queue(handle->stream, [=, layer = *rnn, r = rnn->over(*x_data)] {
        DenseWeights dense = layer.read(weights);
        RecurrentPass pass = operands(dense);
        pass.x = x;
        pass.h_0 = h_0;
        pass.c_0 = c_0;
        pass.y = y;
        pass.h_n = h_n;
        pass.c_n = c_n;
        pass.reserve = reserve;
        forward(r, pass);
    });
    return good;
}

cudnnStatus_t backward_data(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const std::int32_t lengths[],
                            cudnnRNNDataDescriptor_t y_data, const void* y, const void* dy,
                            cudnnRNNDataDescriptor_t x_data, void* dx, cudnnTensorDescriptor_t state,
                            const void* h_0, const void* dh_n, void* dh_0, cudnnTensorDescriptor_t,
                            const void* c_0, const void* dc_n, void* dc_0, std::size_t weight_bytes,
                            const void* weights, std::size_t work_bytes, void*, std::size_t reserve_bytes,
                            void* reserve) {
    if (!fits(*rnn, *x_data, *y_data, *state, weight_bytes, lengths) || work_bytes != training_workspace ||
        reserve_bytes != reserve_of(*rnn, *x_data) || !dx || !dh_0 || rnn->r.has_cell() != (dc_0 != nullptr))
        return bad;
    queue(handle->stream, [=, layer = *rnn, r = rnn->over(*x_data)] {
        handle->given = {.y = dy, .h_n = dh_n, .c_n = dc_n};
        handle->c_0 = c_0;
        handle->spoiled = reserve;
        handle->reserve.assign(static_cast<char*>(reserve), static_cast<char*>(reserve) + reserve_bytes);
        handle->weights = layer.read(weights);
        RecurrentPass pass = operands(handle->weights);
        pass.h_0 = h_0;
        pass.c_0 = c_0;
        pass.y = const_cast<void*>(y);
        pass.reserve = reserve;
        backward(r, pass, {.y = dy, .h_n = dh_n, .c_n = dc_n, .x = dx, .h_0 = dh_0, .c_0 = dc_0});
        std::memset(reserve, 0xff, reserve_bytes);
    });
    return good;
}

cudnnStatus_t backward_weights(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                               const std::int32_t lengths[], cudnnRNNDataDescriptor_t x_data, const void* x,
                               cudnnTensorDescriptor_t state, const void* h_0,
                               cudnnRNNDataDescriptor_t y_data, const void* y, std::size_t weight_bytes,
                               void* sums, std::size_t work_bytes, void*, std::size_t reserve_bytes,
                               void* reserve) {
    if (!fits(*rnn, *x_data, *y_data, *state, weight_bytes, lengths) || work_bytes != training_workspace ||
        reserve_bytes != reserve_of(*rnn, *x_data) || mode != CUDNN_WGRAD_MODE_ADD)
        return bad;
    queue(handle->stream, [=, layer = *rnn, r = rnn->over(*x_data)] {
        if (reserve != handle->spoiled) std::abort();
        DenseWeights made = layer.empty();
        RecurrentPass pass = operands(handle->weights);
        pass.x = x;
        pass.h_0 = h_0;
        pass.c_0 = handle->c_0;
        pass.y = const_cast<void*>(y);
        pass.reserve = handle->reserve.data();
        RecurrentGradients gradients = handle->given;
        gradients.w_ih = made.w_ih.data();
        gradients.w_hh = made.w_hh.data();
        gradients.b_ih = or_null(made.b_ih);
        gradients.b_hh = or_null(made.b_hh);
        backward(r, pass, gradients);
        if (r.dtype == DType::f64)
            layer.add<double>(sums, made);
        else
            layer.add<float>(sums, made);
    });
    return good;
}

FakeLibrary library() {
    FakeLibrary all{{{"cudnnGetVersion", address(version)},
                     {"cudnnGetErrorString", address(text)},
                     {"cudnnCreate", address(create)},
                     {"cudnnSetStream", address(set_stream)},
                     {"cudnnCreateTensorDescriptor", address(make<cudnnTensorStruct>)},
                     {"cudnnDestroyTensorDescriptor", address(destroy<cudnnTensorStruct>)},
                     {"cudnnSetTensorNdDescriptor", address(set_tensor)},
                     {"cudnnCreateDropoutDescriptor", address(make<cudnnDropoutStruct>)},
                     {"cudnnSetDropoutDescriptor", address(set_dropout)},
                     {"cudnnDestroyDropoutDescriptor", address(destroy<cudnnDropoutStruct>)},
                     {"cudnnCreateRNNDescriptor", address(make<cudnnRNNStruct>)},
                     {"cudnnSetRNNDescriptor_v8", address(set_rnn)},
                     {"cudnnDestroyRNNDescriptor", address(destroy<cudnnRNNStruct>)},
                     {"cudnnCreateRNNDataDescriptor", address(make<cudnnRNNDataStruct>)},
                     {"cudnnSetRNNDataDescriptor", address(set_data)},
                     {"cudnnDestroyRNNDataDescriptor", address(destroy<cudnnRNNDataStruct>)},
                     {"cudnnGetRNNTempSpaceSizes", address(temporary_sizes)},
                     {"cudnnGetRNNWeightSpaceSize", address(weight_size)},
                     {"cudnnGetRNNWeightParams", address(weight_places)},
                     {"cudnnRNNForward", address(forward_pass)},
                     {"cudnnRNNBackwardData_v8", address(backward_data)},
                     {"cudnnRNNBackwardWeights_v8", address(backward_weights)}},
                    address(refusal)};
    fake::add_convolutions(all);
    return all;
}

}  // namespace
}  // namespace adjoint::emulated

// In the place of cuda/libraries/cudnn_table.cpp.
namespace adjoint::cuda_backend {

const Library<Cudnn>& cudnn() {
    static const Library<Cudnn> opened = [] {
        emulated::fake_libraries().emplace("cuDNN", emulated::library());
        return Library<Cudnn>("cuDNN");
    }();
    return opened;
}

}  // namespace adjoint::cuda_backend
