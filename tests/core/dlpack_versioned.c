/* DLPack 1.0 as C sees it. */
#include <adjoint/core/tensor/dlpack_abi.h>
#include <stdlib.h>

#include "core/dlpack_c.h"

double c_weighted_sum(struct DLManagedTensorVersioned* managed) {
    const DLTensor* x = &managed->dl_tensor;
    double sum = -1;
    if (managed->version.major == 1 && x->dtype.code == DL_FLOAT && x->dtype.bits == 32 && x->ndim == 2) {
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

static void count_and_free(struct DLManagedTensorVersioned* self) {
    ++*(int*)self->manager_ctx;
    free(self);
}

struct DLManagedTensorVersioned* c_describe(float* data, int32_t rank, int64_t* shape, int64_t* strides,
                                            uint64_t flags, int* deleted) {
    DLManagedTensorVersioned* managed = calloc(1, sizeof *managed);
    managed->version.major = 1;
    managed->version.minor = 1;
    managed->manager_ctx = deleted;
    managed->deleter = count_and_free;
    managed->flags = flags;
    managed->dl_tensor.data = data;
    managed->dl_tensor.device.device_type = DL_CPU;
    managed->dl_tensor.ndim = rank;
    managed->dl_tensor.dtype.code = DL_FLOAT;
    managed->dl_tensor.dtype.bits = 32;
    managed->dl_tensor.dtype.lanes = 1;
    managed->dl_tensor.shape = shape;
    managed->dl_tensor.strides = strides;
    return managed;
}
