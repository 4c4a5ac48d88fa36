/* DLPack 0.8 as C sees it, by the dlpack.h of the system where there is one. */
#if defined(__has_include)
#if __has_include(<dlpack/dlpack.h>)
#include <dlpack/dlpack.h>
#define HAVE_DLPACK
#endif
#endif
#ifndef HAVE_DLPACK
#include <adjoint/core/tensor/dlpack_abi.h>
enum { kDLCPU = DL_CPU, kDLFloat = DL_FLOAT };
#endif
#include <stdlib.h>

#include "core/dlpack_c.h"

double c_weighted_sum_unversioned(struct DLManagedTensor* managed) {
    const DLTensor* x = &managed->dl_tensor;
    double sum = -1;
    if (x->device.device_type == kDLCPU && x->dtype.code == kDLFloat && x->dtype.bits == 32 && x->ndim == 2) {
        const float* data = (const float*)((const char*)x->data + x->byte_offset);
        int64_t place = 0;
        sum = 0;
        for (int64_t i = 0; i < x->shape[0]; ++i)
            for (int64_t j = 0; j < x->shape[1]; ++j)
                sum += (double)++place * (double)data[i * x->strides[0] + j * x->strides[1]];
    }
    managed->deleter(managed);
    return sum;
}

static void count_and_free(struct DLManagedTensor* self) {
    ++*(int*)self->manager_ctx;
    free(self);
}

struct DLManagedTensor* c_describe_unversioned(float* data, int32_t rank, int64_t* shape, int64_t* strides,
                                               int* deleted) {
    DLManagedTensor* managed = calloc(1, sizeof *managed);
    managed->manager_ctx = deleted;
    managed->deleter = count_and_free;
    managed->dl_tensor.data = data;
    managed->dl_tensor.device.device_type = kDLCPU;
    managed->dl_tensor.ndim = rank;
    managed->dl_tensor.dtype.code = kDLFloat;
    managed->dl_tensor.dtype.bits = 32;
    managed->dl_tensor.dtype.lanes = 1;
    managed->dl_tensor.shape = shape;
    managed->dl_tensor.strides = strides;
    return managed;
}
