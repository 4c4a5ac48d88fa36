// Matrix products of the contract.
#include <adjoint/core/contract/activate.h>
#include <adjoint/cuda/kernels/small_product.h>
#include <adjoint/cuda/libraries/multiply.h>
#include <adjoint/cuda/runtime/context.h>

namespace adjoint::cuda_backend {

// Of the activations none is cuBLASLt's: its maximum with 0 does not promise to keep NaN.
void on(CudaBackend& cuda, const call::MatMul& p) {
    if (multiply_small(cuda, p)) return;
    multiply(cuda, *context(cuda.device).products, call::without_activation(p));
    call::activate(cuda, p.epilogue, p.out, p.m * p.n);
}

}  // namespace adjoint::cuda_backend
