// What the usual errors of the CUDA runtime mean and what to do about them.
#include <adjoint/cuda/runtime/error.h>

#include <adjoint/core/base/format.h>

namespace adjoint::cuda_backend {
namespace {

const char* hint(cudaError_t error) {
    switch (error) {
        case cudaErrorInsufficientDriver:
            return "the driver is missing or older than this build's toolkit; install or update the NVIDIA "
                   "driver";
        case cudaErrorNoDevice:
            return "the driver sees no device; look at nvidia-smi and at CUDA_VISIBLE_DEVICES";
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorInvalidDeviceFunction:
            return "this build has no code for the device; configure with -DCMAKE_CUDA_ARCHITECTURES";
        case cudaErrorUnsupportedPtxVersion:
            return "the driver is older than the toolkit of this build; update the NVIDIA driver";
        case cudaErrorMemoryAllocation:
            return "smaller batches need less; cuda::memory_stats() tells what is held";
        case cudaErrorInvalidConfiguration:
        case cudaErrorLaunchOutOfResources:
            return "the launch asks for more threads, registers or shared memory than the device has";
        case cudaErrorStreamCaptureUnsupported:
        case cudaErrorStreamCaptureInvalidated:
        case cudaErrorStreamCaptureImplicit:
            return "a captured step must not wait for the device or allocate outside its pool";
        case cudaErrorSystemDriverMismatch:
        case cudaErrorSystemNotReady:
            return "the kernel module and the driver's library differ, or a service of the driver is not "
                   "running; "
                   "restart the machine";
        default:
            return nullptr;
    }
}

}  // namespace

bool is_sticky(cudaError_t error) noexcept {
    switch (error) {
        case cudaErrorIllegalAddress:
        case cudaErrorAssert:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalInstruction:
        case cudaErrorMisalignedAddress:
        case cudaErrorInvalidAddressSpace:
        case cudaErrorInvalidPc:
        case cudaErrorLaunchFailure:
        case cudaErrorLaunchTimeout:
        case cudaErrorECCUncorrectable:
        case cudaErrorNvlinkUncorrectable:
#if CUDART_VERSION >= 12080
        case cudaErrorContained:
#endif
            return true;
        default:
            return false;
    }
}

std::string error_text(cudaError_t error, const std::string& op) {
    std::string text =
        fmt::format("{}: CUDA reported {} ({})", op, cudaGetErrorName(error), cudaGetErrorString(error));
    if (is_sticky(error))
        text +=
            "; an earlier operation may be the cause, ADJOINT_CUDA_SYNC=1 names it; this process cannot use "
            "CUDA any "
            "more and has to be restarted";
    else if (const char* advice = hint(error))
        text += fmt::format("; {}", advice);
    return text;
}

void throw_error(cudaError_t error, const std::string& op) {
    cudaGetLastError();
    std::string text = error_text(error, op);
    if (error == cudaErrorMemoryAllocation) throw OutOfMemoryError(text);
    throw CudaError(text);
}

}  // namespace adjoint::cuda_backend
