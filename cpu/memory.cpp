// The CPU backend itself, its memory and its recordings.
#include <cstring>

#include <adjoint/core/capture/list_recording.h>
#include <adjoint/core/memory/host_memory.h>
#include <adjoint/cpu/cpu_backend.h>

namespace adjoint {

Backend& cpu_backend() {
    // Never destroyed: tensors with static storage duration outlive every destructor.
    static Backend& backend = *new cpu::CpuBackend;
    return backend;
}

namespace cpu {

void* CpuBackend::allocate(std::size_t bytes) { return host_allocate(bytes); }
void CpuBackend::release(void* memory, std::size_t bytes) noexcept { host_release(memory, bytes); }

void on(CpuBackend&, const call::Upload& c) {
    if (c.bytes > 0) std::memcpy(c.out, c.values, c.bytes);
}
void CpuBackend::copy_to_host(void* destination, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(destination, source, bytes);
}

std::shared_ptr<Recording> CpuBackend::record(const std::function<void()>& step, bool optimize) {
    return record_as_list(*this, Device::cpu(), step, optimize);
}

}  // namespace cpu
}  // namespace adjoint
