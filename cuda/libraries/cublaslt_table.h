// The functions of cuBLASLt that are used, as pointers that are filled when the library is opened.
#pragma once

#include <cublasLt.h>

#include <adjoint/cuda/libraries/library.h>

// clang-format off
#define ADJOINT_CUBLASLT_FUNCTIONS(X)                                                                       \
    X(cublasLtGetVersion) X(cublasLtGetStatusName) X(cublasLtCreate) X(cublasLtMatmul)                      \
    X(cublasLtMatmulDescCreate) X(cublasLtMatmulDescDestroy) X(cublasLtMatmulDescSetAttribute)              \
    X(cublasLtMatrixLayoutCreate) X(cublasLtMatrixLayoutDestroy) X(cublasLtMatrixLayoutSetAttribute)        \
    X(cublasLtMatmulPreferenceCreate) X(cublasLtMatmulPreferenceDestroy)                                    \
    X(cublasLtMatmulPreferenceSetAttribute) X(cublasLtMatmulAlgoGetHeuristic)
// clang-format on

namespace adjoint::cuda_backend {

/// The functions of cuBLASLt that are used, under their own names.
ADJOINT_LIBRARY_TABLE(CublasLt, ADJOINT_CUBLASLT_FUNCTIONS)

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<CublasLt>& cublaslt();

}  // namespace adjoint::cuda_backend
