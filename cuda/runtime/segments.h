// The two ways to device memory: segments for the caching allocator, and the driver's
// own stream-ordered pool.
#pragma once

#include <memory>

#include <adjoint/cuda/runtime/allocator.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// cudaMalloc and cudaFree.
std::unique_ptr<SegmentSource> device_segments(const DeviceState& device);

/// cudaMallocAsync and cudaFreeAsync for each tensor (ADJOINT_ALLOC=async): slower, but a memory checker sees
/// every tensor by itself. Has no pools.
std::unique_ptr<Memory> async_memory(const DeviceState& device);

}  // namespace adjoint::cuda_backend
