// A cuBLASLt on the host that can be made to fail.
#pragma once

#include <cublasLt.h>

#include <cstddef>
#include <vector>

namespace adjoint::emulated {

struct FakeCublasLt {
    cublasStatus_t create = CUBLAS_STATUS_SUCCESS, describe = CUBLAS_STATUS_SUCCESS,
                   heuristic = CUBLAS_STATUS_SUCCESS;
    // What each algorithm answers, the best first; those of any product.
    std::vector<cublasStatus_t> algorithms = {CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_SUCCESS};
    bool adds_bias = true;                          // whether it has algorithms that do
    std::size_t workspace = 1000;                   // of each algorithm
    int handles = 0, heuristics = 0, products = 0;  // asked for so far; done so far
    std::vector<int> tried;                         // algorithms, in the order of the calls
    bool misaligned_bias = false;                   // whether one was given to an algorithm
};
FakeCublasLt& fake_cublaslt();

}  // namespace adjoint::emulated
