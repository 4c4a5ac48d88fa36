// runtime.h on the CUDA runtime: memory, copies, and the places where errors come to light.
#include <adjoint/cuda/runtime/runtime.h>

#include <nvtx3/nvToolsExt.h>

#include <adjoint/core/base/format.h>
#include <adjoint/core/base/index_error.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/cuda/runtime/context.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint::cuda_backend {
namespace {

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

void* allocate(DeviceState& device, std::size_t bytes, Use use, PoolId pool) {
    return context(device).memory->allocate(bytes, pool, use);
}

void release(DeviceState& device, void* memory, std::size_t bytes) noexcept {
    context(device).memory->release(memory, bytes);
}

PoolId make_pool(DeviceState& device) { return context(device).memory->make_pool(); }
void drop_pool(DeviceState& device, PoolId pool) { context(device).memory->drop_pool(pool); }

void copy_from_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    if (bytes == 0) return;
    select(device);
    context(device).staging->to_device(destination, source, bytes);
}

void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    if (bytes == 0) return;
    select(device);
    context(device).staging->to_host(destination, source, bytes);
    throw_fault(device);
}

void copy_on_device(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    select(device);
    check_cuda(cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDeviceToDevice, device.stream), "copy");
}

void clear(DeviceState& device, void* memory, std::size_t bytes) {
    select(device);
    check_cuda(cudaMemsetAsync(memory, 0, bytes, device.stream), "clear");
}

void synchronize(DeviceState& device) {
    select(device);
    count_cuda_sync();
    check_cuda(cudaStreamSynchronize(device.stream), "synchronize");
    throw_fault(device);
}

void select(const DeviceState& device) {
    int current = -1;
    if (forget(cudaGetDevice(&current)) && current == device.index) [[likely]]
        return;
    check_cuda(cudaSetDevice(device.index), "select device");
}

void check_launch(const DeviceState& device, const char* op) {
    static const bool waits = cuda::waits_after_launches();
    static const bool marks = is_wanted("ADJOINT_NVTX");
    check_cuda(cudaPeekAtLastError(), op);
    if (marks) [[unlikely]]
        nvtxMarkA(op);
    if (waits && !device.graph) [[unlikely]]
        check_cuda(cudaStreamSynchronize(device.stream), op);
}

}  // namespace adjoint::cuda_backend
