// Calls of the CUDA runtime for memory.
#include <adjoint/cuda/runtime/segments.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <unordered_set>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint::cuda_backend {
namespace {

/// What the driver did not take back when it was told to: it is told again with the next.
class Unreturned {
  public:
    /// free(memory) for all of it, which says whether that was done.
    template <class Free> void give(void* memory, const Free& free) noexcept {
        const std::scoped_lock lock(mutex_);
        std::erase_if(left_, [&](void* before) { return free(before); });
        if (free(memory)) return;
        try {
            left_.push_back(memory);
        } catch (const std::bad_alloc&) {
            // Without room for its address it stays where it is.
        }
    }

  private:
    std::mutex mutex_;
    std::vector<void*> left_;
};

class DeviceSegments final : public SegmentSource {
  public:
    explicit DeviceSegments(const DeviceState& device) : device_(device) {}

    void* take(std::size_t bytes) override {
        select(device_);
        void* segment = nullptr;
        const cudaError_t error = cudaMalloc(&segment, bytes);
        if (error == cudaErrorMemoryAllocation) {
            forget(error);
            return nullptr;
        }
        check_cuda(error, "allocate");
        return segment;
    }

    // The result is of no use: at the end of the program the driver may be gone, and its memory with it.
    void give(void* segment) noexcept override {
        int current = 0;
        forget(cudaGetDevice(&current));
        if (current != device_.index) forget(cudaSetDevice(device_.index));
        unreturned_.give(segment, [](void* memory) { return forget(cudaFree(memory)); });
    }

    std::int64_t left() override {
        select(device_);
        std::size_t left = 0, total = 0;
        return forget(cudaMemGetInfo(&left, &total)) ? static_cast<std::int64_t>(left) : -1;
    }

  private:
    const DeviceState& device_;
    Unreturned unreturned_;
};

class AsyncMemory final : public Memory {
  public:
    explicit AsyncMemory(const DeviceState& device) : device_(device) {
        check_cuda(cudaDeviceGetDefaultMemPool(&pool_, device.index), "ADJOINT_ALLOC=async");
        unsigned long long keep = ~0ULL;  // give nothing back at a synchronisation
        check_cuda(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep),
                   "ADJOINT_ALLOC=async");
    }

    void* allocate(std::size_t bytes, PoolId, Use use) override {
        select(device_);
        void* memory = nullptr;
        check_cuda(cudaMallocAsync(&memory, std::max<std::size_t>(bytes, 1), device_.stream), "allocate");
        const std::scoped_lock lock(mutex_);
        (use == Use::tensor ? stats_.in_use : stats_.workspace) += static_cast<std::int64_t>(bytes);
        stats_.peak = std::max(stats_.peak, stats_.in_use);
        if (use == Use::workspace) workspaces_.insert(memory);
        return memory;
    }

    void release(void* memory, std::size_t bytes) noexcept override {
        if (!memory) return;
        {
            const std::scoped_lock lock(mutex_);
            const bool workspace = workspaces_.erase(memory) > 0;
            (workspace ? stats_.workspace : stats_.in_use) -= static_cast<std::int64_t>(bytes);
        }
        unreturned_.give(memory,
                         [this](void* block) { return forget(cudaFreeAsync(block, device_.stream)); });
    }

    cuda::MemoryStats stats() override {
        const std::scoped_lock lock(mutex_);
        cuda::MemoryStats stats = stats_;
        stats.cached = attribute(cudaMemPoolAttrReservedMemCurrent) - stats.in_use - stats.workspace;
        return stats;
    }

    void empty_cache() override {
        check_cuda(cudaStreamSynchronize(device_.stream), "cuda::empty_cache");
        check_cuda(cudaMemPoolTrimTo(pool_, 0), "cuda::empty_cache");
    }

    PoolId make_pool() override {
        fail<CaptureError>("capture: graphs need the caching allocator; unset ADJOINT_ALLOC");
    }
    void drop_pool(PoolId) override {}

  private:
    std::int64_t attribute(cudaMemPoolAttr name) {
        unsigned long long value = 0;
        check_cuda(cudaMemPoolGetAttribute(pool_, name, &value), "cuda::memory_stats");
        return static_cast<std::int64_t>(value);
    }

    const DeviceState& device_;
    cudaMemPool_t pool_ = nullptr;
    std::mutex mutex_;
    std::unordered_set<void*> workspaces_;
    cuda::MemoryStats stats_;
    Unreturned unreturned_;
};

}  // namespace

std::unique_ptr<SegmentSource> device_segments(const DeviceState& device) {
    return std::make_unique<DeviceSegments>(device);
}

std::unique_ptr<Memory> async_memory(const DeviceState& device) {
    return std::make_unique<AsyncMemory>(device);
}

}  // namespace adjoint::cuda_backend
