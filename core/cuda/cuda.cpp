// The part of core/cuda/cuda.h that is the same with and without CUDA.
#include <adjoint/core/cuda/cuda.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

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

void count_cuda_sync() noexcept { syncs.fetch_add(1, std::memory_order_relaxed); }

namespace cuda {

bool waits_after_launches() { return is_wanted("ADJOINT_CUDA_SYNC"); }

std::int64_t sync_count() noexcept { return syncs.load(std::memory_order_relaxed); }

void synchronize(Device device) {
    check<DeviceError>(device.is_cuda(), "cuda::synchronize: {} is not a CUDA device", device);
    backend(device).synchronize();
}

}  // namespace cuda
}  // namespace adjoint
