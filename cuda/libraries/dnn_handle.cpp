// cuDNN's handle.
#include <adjoint/cuda/libraries/dnn_handle.h>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {

void check_dnn(cudnnStatus_t status, const char* op) {
    check<CudaError>(status == CUDNN_STATUS_SUCCESS, "{}: cuDNN reported {}", op,
                     cudnn().table.cudnnGetErrorString(status));
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

cudnnHandle_t DnnHandle::on(const DeviceState& device, const char* op) {
    select(device);
    const Cudnn& dnn = cudnn().table;
    if (!handle_) {
        cudnnHandle_t made = nullptr;
        check_dnn(dnn.cudnnCreate(&made), op);
        handle_ = made;
    }
    if (stream_ != device.stream) {
        check_dnn(dnn.cudnnSetStream(handle_, device.stream), op);
        stream_ = device.stream;
    }
    return handle_;
}

}  // namespace adjoint::cuda_backend
