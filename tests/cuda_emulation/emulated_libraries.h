// Who does products and convolutions on the emulated device, where it is not the kernels of cuda/.
#pragma once

#include <functional>

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint {

struct EmulatedLibraries {
    using Cuda = cuda_backend::CudaBackend;
    std::function<void(Cuda&, const call::MatMul&)> multiply;  // without activation
    // False for what is not done; the result of the first has no epilogue yet.
    std::function<bool(Cuda&, const call::Convolve&)> convolve;
    std::function<bool(Cuda&, const call::ConvolveInput&)> convolve_input;
    std::function<bool(Cuda&, const call::ConvolveWeight&)> convolve_weight;
};
EmulatedLibraries& emulated_libraries();

}  // namespace adjoint
