// Memory of a CUDA device: the runtime's, forwarded.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {

void* CudaBackend::allocate(std::size_t bytes) {
    return cuda_backend::allocate(device_, bytes, device_.pool);
}

void CudaBackend::release(void* memory, std::size_t bytes) noexcept {
    cuda_backend::release(device_, memory, bytes);
}

void CudaBackend::copy_from_host(void* destination, const void* source, std::size_t bytes) {
    if (device_.graph)
        copy_on_device(device_, destination, device_.graph->constant(source, bytes), bytes);
    else
        cuda_backend::copy_from_host(device_, destination, source, bytes);
}

void CudaBackend::copy_to_host(void* destination, const void* source, std::size_t bytes) {
    cuda_backend::copy_to_host(device_, destination, source, bytes);
}

void CudaBackend::synchronize() { cuda_backend::synchronize(device_); }

}  // namespace adjoint::cuda_backend
