// Pinned host memory through which copies from and to a device go, so that the device reads
// and writes it by itself.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <mutex>

namespace adjoint::cuda_backend {

/// Buffers that are pinned once and used in turn. Both ways are in the order of `stream`.
class Staging {
  public:
    explicit Staging(cudaStream_t stream) noexcept : stream_(stream) {}
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    /// Returns when `source` may change; the copy itself may still be under way.
    void to_device(void* destination, const void* source, std::size_t bytes);
    /// Returns when the bytes are there.
    void to_host(void* destination, const void* source, std::size_t bytes);

  private:
    struct Buffer {
        char* data = nullptr;
        cudaEvent_t done = nullptr;  // recorded when the device has no more use for `data`
    };

    static void pin(Buffer& buffer);
    static void wait_for(const Buffer& buffer);

    cudaStream_t stream_;
    std::mutex down_mutex_, up_mutex_;
    std::array<Buffer, 4> down_;  // to the device
    std::array<Buffer, 2> up_;
    std::size_t current_ = 0, used_ = 0;  // of down_
};

}  // namespace adjoint::cuda_backend
