// The part of core/cuda/cuda.h that is the same with and without CUDA.
#include <adjoint/core/cuda/cuda.h>

#include <atomic>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/cuda_start.h>

namespace adjoint {
namespace {
std::atomic<std::int64_t> syncs{0};
}

void count_cuda_sync() noexcept { syncs.fetch_add(1, std::memory_order_relaxed); }

namespace cuda {

std::int64_t sync_count() noexcept { return syncs.load(std::memory_order_relaxed); }

void synchronize(Device device) {
    check<DeviceError>(device.is_cuda(), "cuda::synchronize: {} is not a CUDA device", device);
    backend(device).synchronize();
}

}  // namespace cuda
}  // namespace adjoint
