// Copies in pieces: while the device works on one pinned buffer, the host fills or empties the next.
#include <adjoint/cuda/runtime/staging.h>

#include <algorithm>
#include <cstring>

#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/cuda/runtime/error.h>

namespace adjoint::cuda_backend {
namespace {
constexpr std::size_t buffer_bytes = std::size_t{4} << 20;
constexpr std::size_t alignment = 64;
}  // namespace

void Staging::pin(Buffer& buffer) {
    if (buffer.data) return;
    if (!buffer.done)
        check_cuda(cudaEventCreateWithFlags(&buffer.done, cudaEventDisableTiming), "pinned memory");
    void* data = nullptr;
    check_cuda(cudaHostAlloc(&data, buffer_bytes, cudaHostAllocPortable), "pinned memory");
    buffer.data = static_cast<char*>(data);
}

void Staging::wait_for(const Buffer& buffer) {
    if (!buffer.data || forget(cudaEventQuery(buffer.done))) return;
    count_cuda_sync();  // the wait tells an error from "not ready"
    check_cuda(cudaEventSynchronize(buffer.done), "copy from the host");
}

void Staging::to_device(void* destination, const void* source, std::size_t bytes) {
    const std::scoped_lock lock(down_mutex_);
    for (std::size_t done = 0; done < bytes;) {
        if (used_ == buffer_bytes) {
            check_cuda(cudaEventRecord(down_[current_].done, stream_), "copy from the host");
            const std::size_t next = (current_ + 1) % down_.size();
            wait_for(down_[next]);
            current_ = next;
            used_ = 0;
        }
        Buffer& buffer = down_[current_];
        pin(buffer);
        const std::size_t part = std::min(bytes - done, buffer_bytes - used_);
        std::memcpy(buffer.data + used_, static_cast<const char*>(source) + done, part);
        check_cuda(cudaMemcpyAsync(static_cast<char*>(destination) + done, buffer.data + used_, part,
                                   cudaMemcpyHostToDevice, stream_),
                   "copy from the host");
        used_ = std::min(buffer_bytes, (used_ + part + alignment - 1) / alignment * alignment);
        done += part;
    }
}

void Staging::to_host(void* destination, const void* source, std::size_t bytes) {
    const std::scoped_lock lock(up_mutex_);
    count_cuda_sync();
    const auto piece = [&](std::size_t index) {
        return std::min(buffer_bytes, bytes - index * buffer_bytes);
    };
    const auto ask = [&](std::size_t index) {
        Buffer& buffer = up_[index % up_.size()];
        pin(buffer);
        check_cuda(cudaMemcpyAsync(buffer.data, static_cast<const char*>(source) + index * buffer_bytes,
                                   piece(index), cudaMemcpyDeviceToHost, stream_),
                   "copy to the host");
        check_cuda(cudaEventRecord(buffer.done, stream_), "copy to the host");
    };
    const std::size_t pieces = (bytes + buffer_bytes - 1) / buffer_bytes;
    for (std::size_t i = 0; i < pieces; ++i) {
        if (i == 0) ask(0);
        if (i + 1 < pieces) ask(i + 1);
        Buffer& buffer = up_[i % up_.size()];
        check_cuda(cudaEventSynchronize(buffer.done), "copy to the host");
        std::memcpy(static_cast<char*>(destination) + i * buffer_bytes, buffer.data, piece(i));
    }
}

}  // namespace adjoint::cuda_backend
