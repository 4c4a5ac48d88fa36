// Recurrent layers of the contract: cuDNN's or none.
#include <adjoint/cuda/libraries/dnn_recurrent.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {

std::optional<std::size_t> CudaBackend::recurrence_reserve(const Recurrence& r) {
    return context(device_).recurrences->reserve(device_, r);
}

void CudaBackend::recurrence(const Recurrence& r, const RecurrentPass& pass) {
    context(device_).recurrences->forward(device_, r, pass);
}

void CudaBackend::recurrence_backward(const Recurrence& r, const RecurrentPass& pass,
                                      const RecurrentGradients& gradients) {
    context(device_).recurrences->backward(device_, r, pass, gradients);
}

}  // namespace adjoint::cuda_backend
