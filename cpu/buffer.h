// Memory for the length of a call, from the caching allocator.
#pragma once

#include <cstdint>

#include <adjoint/core/memory/host_memory.h>

namespace adjoint::cpu {

template <class T> class Buffer {
  public:
    explicit Buffer(std::int64_t elements)
        : bytes_(static_cast<std::size_t>(elements) * sizeof(T)),
          data_(static_cast<T*>(host_allocate(bytes_))) {}
    ~Buffer() { host_release(data_, bytes_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    T* data() const { return data_; }

  private:
    std::size_t bytes_;
    T* data_;
};

}  // namespace adjoint::cpu
