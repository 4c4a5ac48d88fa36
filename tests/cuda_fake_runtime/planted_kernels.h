// Kernels that the tests of the fake runtime launch.
#pragma once

#include <cuda_runtime_api.h>

namespace adjoint::fake_cuda {

void launch_small(dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream, float* data);
void launch_with_40_kib(std::size_t more_shared_bytes, cudaStream_t stream, float* data);

}  // namespace adjoint::fake_cuda
