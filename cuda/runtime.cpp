// runtime.h on the CUDA runtime: memory, copies, and the places where errors come to light.
#include <adjoint/cuda/runtime.h>

#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <string_view>

#include <adjoint/core/cuda_start.h>
#include <adjoint/core/format.h>
#include <adjoint/core/index_error.h>
#include <adjoint/cuda/context.h>
#include <adjoint/cuda/error.h>

namespace adjoint::cuda_backend {
namespace {

bool wanted(const char* variable) {
    const char* value = std::getenv(variable);
    return value && *value != '\0' && std::string_view(value) != "0";
}

bool capturing(const DeviceState& device) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    return cudaStreamIsCapturing(device.stream, &status) == cudaSuccess &&
           status != cudaStreamCaptureStatusNone;
}

// Called when the device has done what could have written the fault.
void throw_fault(DeviceState& device) {
    const Fault fault = *device.fault;
    if (fault.op == 0) [[likely]]
        return;
    *device.fault = {};
    throw_index_error(reinterpret_cast<const char*>(fault.op), fault.value, fault.position, fault.low,
                      fault.high);
}

}  // namespace

void refuse_in_capture(const DeviceState& device, const char* what) {
    check<CudaError>(!capturing(device),
                     "{}: not possible while a step is captured; keep item(), printing and copies out of the "
                     "captured function",
                     what);
}

void* allocate(DeviceState& device, std::size_t bytes) { return context(device).memory->allocate(bytes); }

void release(DeviceState& device, void* memory, std::size_t bytes) noexcept {
    context(device).memory->release(memory, bytes);
}

void copy_from_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    if (bytes == 0) return;
    select(device);
    refuse_in_capture(device, "copy from the host");
    context(device).staging->to_device(destination, source, bytes);
}

void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    if (bytes == 0) return;
    select(device);
    refuse_in_capture(device, "copy to the host");
    context(device).staging->to_host(destination, source, bytes);
    throw_fault(device);
}

void fill_bytes(DeviceState& device, void* destination, int value, std::size_t bytes) {
    if (bytes == 0) return;
    select(device);
    check_cuda(cudaMemsetAsync(destination, value, bytes, device.stream), "fill");
}

void synchronize(DeviceState& device) {
    select(device);
    refuse_in_capture(device, "synchronize");
    count_cuda_sync();
    check_cuda(cudaStreamSynchronize(device.stream), "synchronize");
    throw_fault(device);
}

void select(const DeviceState& device) {
    int current = -1;
    if (cudaGetDevice(&current) == cudaSuccess && current == device.index) [[likely]]
        return;
    check_cuda(cudaSetDevice(device.index), "select device");
}

void check_launch(const DeviceState& device, const char* op) {
    static const bool waits = wanted("ADJOINT_CUDA_SYNC");
    static const bool marks = wanted("ADJOINT_NVTX");
    check_cuda(cudaPeekAtLastError(), op);
    if (marks) [[unlikely]]
        nvtxMarkA(op);
    if (waits && !capturing(device)) [[unlikely]]
        check_cuda(cudaStreamSynchronize(device.stream), op);
}

}  // namespace adjoint::cuda_backend
