// Kernels that do what none may, or only if they are asked to.
#pragma once

#include <cuda_runtime_api.h>

#include <ostream>

namespace adjoint::ptx {

struct PlantedKernel {
    const char* name;
    const char* said;  // what the machine finds
    void (*launch)(cudaStream_t, float* data, int count);
};
inline void PrintTo(const PlantedKernel& kernel, std::ostream* out) { *out << kernel.name; }

/// Each on `count` floats that nobody has written, in 2 blocks of 64 threads.
extern const PlantedKernel planted_kernels[];
extern const int planted_kernel_count;

/// A kernel that does everything in the right way.
void launch_sound(cudaStream_t stream, float* data, int count);

}  // namespace adjoint::ptx
