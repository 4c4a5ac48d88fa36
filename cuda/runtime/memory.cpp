// Memory of a CUDA device: the runtime's, forwarded.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {

void* CudaBackend::allocate(std::size_t bytes) {
    return cuda_backend::allocate(device, bytes, Use::tensor, device.pool);
}

void CudaBackend::release(void* memory, std::size_t bytes) noexcept {
    cuda_backend::release(device, memory, bytes);
}

void on(CudaBackend& cuda, const call::Upload& c) {
    if (cuda.device.graph)
        copy_on_device(cuda.device, c.out, cuda.device.graph->constant(c.values, c.bytes), c.bytes);
    else
        copy_from_host(cuda.device, c.out, c.values, c.bytes);
}

void CudaBackend::copy_to_host(void* destination, const void* source, std::size_t bytes) {
    cuda_backend::copy_to_host(device, destination, source, bytes);
}

std::shared_ptr<Delivery> CudaBackend::deliver(const void* values, std::size_t bytes) {
    return cuda_backend::deliver(device, values, bytes);
}

void CudaBackend::synchronize() { cuda_backend::synchronize(device); }

}  // namespace adjoint::cuda_backend
