// The pool of host_memory.h as an allocator for containers on a hot path.
#pragma once

#include <cstddef>

#include <adjoint/core/memory/host_memory.h>

namespace adjoint {

template <class T> struct PoolAllocator {
    using value_type = T;

    PoolAllocator() = default;
    template <class U> PoolAllocator(const PoolAllocator<U>&) noexcept {}

    T* allocate(std::size_t n) { return static_cast<T*>(host_allocate(n * sizeof(T))); }
    void deallocate(T* block, std::size_t n) noexcept { host_release(block, n * sizeof(T)); }
    bool operator==(const PoolAllocator&) const noexcept = default;
};

}  // namespace adjoint
