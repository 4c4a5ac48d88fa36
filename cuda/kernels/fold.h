// Combining one value per thread over a warp, over a block, or over columns of threads; the order is fixed.
#pragma once

#include <adjoint/core/contract/functors/reduce.h>
#include <adjoint/cuda/kernels/device_code.h>

namespace adjoint::cuda_backend {

/// Column x of a block of `columns` x `lanes` threads: the totals of its lanes by halving, in states[x], for
/// the thread of lane 0. Before `states` (one per thread) is used again the block has to meet.
template <class State, class Combine>
ADJOINT_DEVICE State fold_columns(State* states, unsigned x, unsigned lane, unsigned columns, unsigned lanes,
                                  State total, Combine combine) {
    State* own = states + (lane * columns + x);
    *own = total;
    for (unsigned width = lanes / 2; width > 0; width /= 2) {
        __syncthreads();
        if (lane < width) *own = total = combine(total, own[width * columns]);
    }
    return total;
}

/// The total over groups of `lanes` neighbouring threads, for all of them: 1, a warp, or the whole block.
template <class Op, class T> ADJOINT_DEVICE T fold_group(T value, unsigned lanes) {
    const Op op{};
    if (lanes == 1) return value;
    for (unsigned mask = warp_size / 2; mask > 0; mask /= 2)
        value = op.template value<T>(value, exchange(value, mask));
    if (lanes == warp_size) return value;
    ADJOINT_SHARED(T, of_warps, warp_size);
    if (threadIdx.x % warp_size == 0) of_warps[threadIdx.x / warp_size] = value;
    __syncthreads();
    value = of_warps[0];
    for (unsigned w = 1; w < lanes / warp_size; ++w) value = op.template value<T>(value, of_warps[w]);
    __syncthreads();
    return value;
}

}  // namespace adjoint::cuda_backend
