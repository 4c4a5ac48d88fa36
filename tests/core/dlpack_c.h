// What the C side of the DLPack test does, which knows nothing of the library.
#pragma once

#include <stdint.h>

struct DLManagedTensor;
struct DLManagedTensorVersioned;

#ifdef __cplusplus
extern "C" {
#endif

/* The sum of the elements, f32 on the CPU, each weighted by its place in row-major order. Calls the deleter. */
double c_weighted_sum(struct DLManagedTensorVersioned* managed);
double c_weighted_sum_unversioned(struct DLManagedTensor* managed);

/* A tensor of f32 on memory that is not its own; the deleter counts up *deleted. */
struct DLManagedTensorVersioned* c_describe(float* data, int32_t rank, int64_t* shape, int64_t* strides,
                                            uint64_t flags, int* deleted);
struct DLManagedTensor* c_describe_unversioned(float* data, int32_t rank, int64_t* shape, int64_t* strides,
                                               int* deleted);

#ifdef __cplusplus
}
#endif
