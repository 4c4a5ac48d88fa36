// Copies to a device beside what it computes: on a stream of their own, by pinned memory of their own.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/runtime/runtime.h>
#include <adjoint/cuda/runtime/staging.h>

namespace adjoint::cuda_backend {

/// Of one device. Their memory is a pool, since two streams meet in it. An event holds the stream that
/// computes behind each copy. Another holds the copies behind what was queued when memory last came back to
/// the pool: while a step runs, the next batch goes to where the one before it was.
class Deliveries {
  public:
    explicit Deliveries(DeviceState& device) noexcept : device_(device) {}
    Deliveries(const Deliveries&) = delete;
    Deliveries& operator=(const Deliveries&) = delete;

    /// errors: OutOfMemoryError, CudaError.
    std::shared_ptr<Delivery> deliver(const void* values, std::size_t bytes);
    /// What is not in use becomes memory of the others.
    void give_up_memory();

  private:
    class Copy;

    void start();
    void take(Copy& copy);
    void take_back(Copy& copy) noexcept;

    DeviceState& device_;
    std::mutex mutex_;  // of all that follows
    Stream stream_ = nullptr;
    cudaEvent_t returned_ = nullptr;
    std::optional<Staging> staging_;
    std::vector<cudaEvent_t> free_events_;
    PoolId pool_ = 0;
    int in_use_ = 0;  // pieces of its memory
};

}  // namespace adjoint::cuda_backend
