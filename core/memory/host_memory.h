// Host memory for tensors, nodes and everything else that a training step makes and drops.
//
// Freed blocks are kept in per-thread lists by size class, so that a steady training step asks the system for
// nothing and touches pages that are already mapped. Surplus goes to a list shared by all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// At least `bytes` bytes aligned to 64.
/// errors: OutOfMemoryError, after the caches have been given back.
ADJOINT_API void* host_allocate(std::size_t bytes);
/// Gives a block back; `bytes` is the size it was asked for with.
ADJOINT_API void host_release(void* block, std::size_t bytes) noexcept;

/// Bytes of the host's allocator.
struct HostMemoryStats {
    std::int64_t system_calls = 0;  ///< blocks asked from the system since start
    std::int64_t in_use = 0;        ///< bytes held by tensors and nodes
    std::int64_t cached = 0;        ///< bytes kept for reuse
};

/// Figures over all threads.
ADJOINT_API HostMemoryStats host_memory_stats();
/// Returns what this thread and the shared list keep to the system.
ADJOINT_API void empty_cache() noexcept;

/// Base of small objects that live in host_allocate's memory.
struct Pooled {
    static void* operator new(std::size_t bytes) { return host_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { host_release(block, bytes); }
};

}  // namespace adjoint
