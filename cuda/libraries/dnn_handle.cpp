// cuDNN's handle.
#include <adjoint/cuda/libraries/dnn_handle.h>

#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {

void check_dnn(cudnnStatus_t status, const char* op) {
    check<CudaError>(status == CUDNN_STATUS_SUCCESS, "{}: cuDNN reported {}", op,
                     cudnn().table.cudnnGetErrorString(status));
}

bool is_final(cudnnStatus_t status) {
#if CUDNN_MAJOR >= 9
    const int kind = CUDNN_STATUS_CATEGORY(status);
    const bool may_pass = kind == CUDNN_STATUS_INTERNAL_ERROR || kind == CUDNN_STATUS_EXECUTION_FAILED;
#else
    const bool may_pass = status == CUDNN_STATUS_ALLOC_FAILED || status == CUDNN_STATUS_INTERNAL_ERROR ||
                          status == CUDNN_STATUS_EXECUTION_FAILED;
#endif
    return status != CUDNN_STATUS_SUCCESS && !may_pass;
}

void tell_refusal(const char* topic, cudnnStatus_t status, const std::string& instead) {
    warn_once(
        topic,
        fmt::format("{}: cuDNN reported {}; {}", topic, cudnn().table.cudnnGetErrorString(status), instead),
        Concern::process);
}

cudnnDataType_t data_type(DType type) {
    switch (type) {
        case DType::f16:
            return CUDNN_DATA_HALF;
        case DType::bf16:
            return CUDNN_DATA_BFLOAT16;
        case DType::f64:
            return CUDNN_DATA_DOUBLE;
        default:
            return CUDNN_DATA_FLOAT;
    }
}

cudnnMathType_t math_type(DType type, MatmulPrecision precision) {
    if (type == DType::f16 || type == DType::bf16) return CUDNN_TENSOR_OP_MATH;
    if (type == DType::f32 && precision == MatmulPrecision::highest) return CUDNN_FMA_MATH;
    return CUDNN_DEFAULT_MATH;
}

cudnnHandle_t DnnHandle::on(const DeviceState& device) {
    if (is_final(refusal_)) return nullptr;
    select(device);
    const Cudnn& dnn = cudnn().table;
    if (!handle_) {
        cudnnHandle_t made = nullptr;
        refusal_ = dnn.cudnnCreate(&made);
        if (refusal_ != CUDNN_STATUS_SUCCESS) return nullptr;
        handle_ = made;
    }
    if (stream_ != device.stream) {
        refusal_ = dnn.cudnnSetStream(handle_, device.stream);
        if (refusal_ != CUDNN_STATUS_SUCCESS) return nullptr;
        stream_ = device.stream;
    }
    return handle_;
}

}  // namespace adjoint::cuda_backend
