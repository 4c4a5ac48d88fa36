// Devices, errors, and the driver.
#include <cstdlib>
#include <cstring>

#include "state.h"

namespace adjoint::fake_cuda {

int device_count() {
    static const int count = [] {
        const char* wanted = std::getenv("ADJOINT_FAKE_CUDA_DEVICES");
        return wanted ? std::clamp(std::atoi(wanted), 0, most_devices) : 2;
    }();
    return count;
}

// The faked libraries are found without a word from the user.
[[maybe_unused]] const int told = setenv("ADJOINT_CUDA_LIBRARIES", ADJOINT_FAKE_CUDA_LIBRARIES, 0);

int& device_of_thread() {
    static thread_local int device = 0;
    return device;
}

int current_device() { return device_of_thread(); }

cudaError_t& last_error() {
    static thread_local cudaError_t error = cudaSuccess;
    return error;
}

}  // namespace adjoint::fake_cuda

using namespace adjoint::fake_cuda;

namespace {

cudaError_t known(int device) {
    return device >= 0 && device < device_count() ? cudaSuccess : cudaErrorInvalidDevice;
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
    return answer(__func__, [&] {
        *count = device_count();
        return cudaSuccess;
    });
}
cudaError_t cudaDriverGetVersion(int* version) {
    return answer(__func__, [&] {
        *version = CUDART_VERSION;
        return cudaSuccess;
    });
}
cudaError_t cudaGetDevice(int* device) {
    return answer(__func__, [&] {
        *device = current_device();
        return cudaSuccess;
    });
}
cudaError_t cudaSetDevice(int device) {
    return answer(__func__, [&] {
        if (known(device) == cudaSuccess) device_of_thread() = device;
        return known(device);
    });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    return answer(__func__, [&] {
        if (attribute == cudaDevAttrMultiProcessorCount)
            *value = 132;
        else if (attribute == cudaDevAttrComputeCapabilityMajor)
            *value = ADJOINT_FAKE_CUDA_CARD / 10;
        else
            violation("an attribute that the fake has not");
        return known(device);
    });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
    return answer("cudaGetDeviceProperties", [&] {
        std::memset(properties, 0, sizeof *properties);
        std::strcpy(properties->name, "fake");
        properties->major = ADJOINT_FAKE_CUDA_CARD / 10;
        properties->minor = ADJOINT_FAKE_CUDA_CARD % 10;
        properties->multiProcessorCount = 132;
        std::size_t left = 0;
        cudaMemGetInfo(&left, &properties->totalGlobalMem);
        return known(device);
    });
}

cudaError_t cudaGetLastError() {
    const cudaError_t error = cudaPeekAtLastError();
    last_error() = cudaSuccess;
    return error;
}
cudaError_t cudaPeekAtLastError() {
    return answer(__func__, [] { return last_error(); });
}
const char* cudaGetErrorName(cudaError_t error) {
    switch (error) {
        case cudaErrorMemoryAllocation:
            return "cudaErrorMemoryAllocation";
        case cudaErrorNotReady:
            return "cudaErrorNotReady";
        default:
            return error == cudaSuccess ? "cudaSuccess" : "cudaErrorUnknown";
    }
}
const char* cudaGetErrorString(cudaError_t) { return "an error of the fake"; }

}  // extern "C"
