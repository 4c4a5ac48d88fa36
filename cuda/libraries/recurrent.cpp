// Recurrent layers of the contract: cuDNN's or none.
#include <adjoint/cuda/libraries/dnn_recurrent.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {

std::optional<std::size_t> CudaBackend::recurrence_reserve(const Recurrence& r) {
    return context(device).recurrences->reserve(device, r);
}

void on(CudaBackend& cuda, const call::Recurrent& c) {
    context(cuda.device).recurrences->forward(cuda.device, c.shape, c.pass);
}

void on(CudaBackend& cuda, const call::RecurrentBackward& c) {
    context(cuda.device).recurrences->backward(cuda.device, c.shape, c.pass, c.gradients);
}

}  // namespace adjoint::cuda_backend
