// The functions of cuBLASLt that are used, as pointers that are filled when the library is opened.
#pragma once

#include <cublasLt.h>

#include <adjoint/cuda/library.h>

namespace adjoint::cuda_backend {

/// The functions of cuBLASLt that are used, under their own names.
struct CublasLt {
    decltype(&::cublasLtGetVersion) cublasLtGetVersion = nullptr;
    decltype(&::cublasLtGetStatusName) cublasLtGetStatusName = nullptr;
    decltype(&::cublasLtCreate) cublasLtCreate = nullptr;
    decltype(&::cublasLtMatmul) cublasLtMatmul = nullptr;
    decltype(&::cublasLtMatmulDescCreate) cublasLtMatmulDescCreate = nullptr;
    decltype(&::cublasLtMatmulDescDestroy) cublasLtMatmulDescDestroy = nullptr;
    decltype(&::cublasLtMatmulDescSetAttribute) cublasLtMatmulDescSetAttribute = nullptr;
    decltype(&::cublasLtMatrixLayoutCreate) cublasLtMatrixLayoutCreate = nullptr;
    decltype(&::cublasLtMatrixLayoutDestroy) cublasLtMatrixLayoutDestroy = nullptr;
    decltype(&::cublasLtMatrixLayoutSetAttribute) cublasLtMatrixLayoutSetAttribute = nullptr;
    decltype(&::cublasLtMatmulPreferenceCreate) cublasLtMatmulPreferenceCreate = nullptr;
    decltype(&::cublasLtMatmulPreferenceDestroy) cublasLtMatmulPreferenceDestroy = nullptr;
    decltype(&::cublasLtMatmulPreferenceSetAttribute) cublasLtMatmulPreferenceSetAttribute = nullptr;
    decltype(&::cublasLtMatmulAlgoGetHeuristic) cublasLtMatmulAlgoGetHeuristic = nullptr;

    /// Calls f(name, pointer) for each entry.
    template <class F> void each(F&& f) {
        f("cublasLtGetVersion", cublasLtGetVersion);
        f("cublasLtGetStatusName", cublasLtGetStatusName);
        f("cublasLtCreate", cublasLtCreate);
        f("cublasLtMatmul", cublasLtMatmul);
        f("cublasLtMatmulDescCreate", cublasLtMatmulDescCreate);
        f("cublasLtMatmulDescDestroy", cublasLtMatmulDescDestroy);
        f("cublasLtMatmulDescSetAttribute", cublasLtMatmulDescSetAttribute);
        f("cublasLtMatrixLayoutCreate", cublasLtMatrixLayoutCreate);
        f("cublasLtMatrixLayoutDestroy", cublasLtMatrixLayoutDestroy);
        f("cublasLtMatrixLayoutSetAttribute", cublasLtMatrixLayoutSetAttribute);
        f("cublasLtMatmulPreferenceCreate", cublasLtMatmulPreferenceCreate);
        f("cublasLtMatmulPreferenceDestroy", cublasLtMatmulPreferenceDestroy);
        f("cublasLtMatmulPreferenceSetAttribute", cublasLtMatmulPreferenceSetAttribute);
        f("cublasLtMatmulAlgoGetHeuristic", cublasLtMatmulAlgoGetHeuristic);
    }
};

/// Opened by the first call; the outcome of that stands for the whole program.
const Library<CublasLt>& cublaslt();

}  // namespace adjoint::cuda_backend
