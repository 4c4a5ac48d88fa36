// The functions of NCCL that are used, as pointers that are filled when the library is opened.
#pragma once

#include <adjoint/cuda/libraries/library.h>
#include <adjoint/cuda/libraries/nccl_abi.h>

// clang-format off
#define ADJOINT_NCCL_FUNCTIONS(X)                                                                           \
    X(ncclGetVersion) X(ncclGetUniqueId) X(ncclCommInitRank) X(ncclCommDestroy) X(ncclCommAbort)            \
    X(ncclCommGetAsyncError) X(ncclGetErrorString) X(ncclGroupStart) X(ncclGroupEnd) X(ncclSend)            \
    X(ncclRecv) X(ncclAllReduce)
// clang-format on

namespace adjoint::cuda_backend {

/// The functions of NCCL that are used, under their own names.
ADJOINT_LIBRARY_TABLE(Nccl, ADJOINT_NCCL_FUNCTIONS)

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<Nccl>& nccl();

}  // namespace adjoint::cuda_backend
