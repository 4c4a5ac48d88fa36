// Errors of the CUDA runtime as exceptions that name the operation.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace adjoint::cuda_backend {

/// "matmul: CUDA reported cudaErrorX (text); hint", with the hint that fits the error.
std::string error_text(cudaError_t error, const std::string& op);

/// Whether the process cannot use CUDA any more after this error.
bool is_sticky(cudaError_t error) noexcept;

/// What is not sticky is cleared.
/// errors: OutOfMemoryError or CudaError with error_text.
[[noreturn]] void throw_error(cudaError_t error, const std::string& op);

/// For a call whose outcome is of no use to anybody, or is looked at by the caller: no later call is blamed
/// for its error. Whether there was none.
inline bool forget(cudaError_t error) noexcept {
    if (error == cudaSuccess) [[likely]]
        return true;
    cudaGetLastError();
    return false;
}

inline void check_cuda(cudaError_t error, const char* op) {
    if (error != cudaSuccess) [[unlikely]]
        throw_error(error, op);
}

}  // namespace adjoint::cuda_backend
