// The part of core/cuda/cuda.h that is the same with and without CUDA.
#include <adjoint/core/cuda/cuda.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/cuda_start.h>

namespace adjoint {
namespace {
std::atomic<std::int64_t> syncs{0};
}

bool is_wanted(const char* variable) {
    const char* const value = std::getenv(variable);
    return value && *value != '\0' && std::string_view(value) != "0";
}

bool has_nvidia_driver(const std::string& root) {
    std::error_code error;
    // The module's own file, what it makes, and what stands for it under WSL.
    for (const char* file :
         {"/proc/driver/nvidia/version", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1"})
        if (std::filesystem::exists(root + file, error)) return true;
    return false;
}

Device automatic_device(std::optional<int> usable, bool driver) {
    if (usable) return Device::cuda(*usable);
    if (driver)
        warn_once("a GPU that is not used",
                  fmt::format("computing on the CPU: {}", cuda::unavailable_reason()), Concern::process);
    return Device::cpu();
}

void count_cuda_sync() noexcept { syncs.fetch_add(1, std::memory_order_relaxed); }

namespace cuda {

Device automatic_device() {
    std::optional<int> usable;
    const int count = device_count();
    for (int i = 0; i < count && !usable; ++i)
        if (properties(Device::cuda(i)).problem.empty()) usable = i;
    return adjoint::automatic_device(usable, count > 0 || has_nvidia_driver(""));
}

bool waits_after_launches() { return is_wanted("ADJOINT_CUDA_SYNC"); }

std::int64_t sync_count() noexcept { return syncs.load(std::memory_order_relaxed); }

void synchronize(Device device) {
    check<DeviceError>(device.is_cuda(), "cuda::synchronize: {} is not a CUDA device", device);
    backend(device).synchronize();
}

}  // namespace cuda
}  // namespace adjoint
