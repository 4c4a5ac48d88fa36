// What the code that a card runs was compiled for, of which there may be several kinds in the program.
#include <adjoint/cuda/kernels/launch.h>

#if !defined(ADJOINT_CUDA_EMULATION)

namespace adjoint::cuda_backend {
namespace {

__global__ void __launch_bounds__(1) nothing() { wait_for_earlier(); }

}  // namespace

int compiled_for() {
    cudaFuncAttributes found{};
    check_cuda(cudaFuncGetAttributes(&found, nothing), "cuda: the code of this card");
    return found.ptxVersion;
}

}  // namespace adjoint::cuda_backend
#endif
