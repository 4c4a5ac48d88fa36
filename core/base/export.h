// Which names leave the shared library, and which functions a GPU may call.
#pragma once

#define ADJOINT_API __attribute__((visibility("default")))

#if defined(__CUDACC__)
#define ADJOINT_HD __host__ __device__ __forceinline__
#else
#define ADJOINT_HD inline __attribute__((always_inline))
#endif
