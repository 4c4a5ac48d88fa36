// cuda/runtime.h on host memory: a block of its own from the system for each tensor, so that AddressSanitizer
// sees every bound, filled with 0xff: NaN, -1, no bool.
#include <adjoint/cuda/runtime.h>

#include <cstdlib>
#include <cstring>
#include <new>

#include <adjoint/core/cuda_start.h>
#include <adjoint/core/index_error.h>

namespace adjoint::cuda_backend {

void* allocate(DeviceState&, std::size_t bytes) {
    void* memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    std::memset(memory, 0xff, bytes);
    return memory;
}

void release(DeviceState&, void* memory, std::size_t) noexcept { std::free(memory); }

void copy_from_host(DeviceState&, void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes) {
    synchronize(device);
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

void fill_bytes(DeviceState&, void* destination, int value, std::size_t bytes) {
    if (bytes > 0) std::memset(destination, value, bytes);
}

void synchronize(DeviceState& device) {
    count_cuda_sync();
    if (device.fault->op == 0) return;
    const Fault fault = *device.fault;
    *device.fault = {};
    throw_index_error(reinterpret_cast<const char*>(static_cast<std::uintptr_t>(fault.op)), fault.value,
                      fault.position, fault.low, fault.high);
}

void select(const DeviceState&) {}
void check_launch(const DeviceState&, const char*) {}

}  // namespace adjoint::cuda_backend
