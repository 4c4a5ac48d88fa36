// Matrix products by our own kernels.
#include <adjoint/cpu/blas/blas.h>

namespace adjoint::cpu {

const char* blas_name() noexcept { return "own"; }

void product_f32(const GemmCall& call) { kernels().gemm[0](call); }
void product_f64(const GemmCall& call) { kernels().gemm[1](call); }
bool product_bf16(const GemmCall&) { return false; }
const NarrowConvolutions* convolutions_bf16() noexcept { return nullptr; }

}  // namespace adjoint::cpu
