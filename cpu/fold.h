// Sums and maxima of a row in vectors, compiled once per instruction set (vectors.h): they run over a fixed
// number of lanes, the same for every level, and are combined pairwise.
#pragma once

#include <cstdint>

#include <adjoint/core/contract/functors/reduce.h>

#if !defined(ADJOINT_ISA)
#error "ADJOINT_ISA must name the namespace of the instruction set"
#endif

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// Several sets of lanes where each step would wait for the one before.
template <class Op, class T, int sets = 1, class F>
__attribute__((always_inline)) inline T fold(std::int64_t n, F element) {
    constexpr int lanes = 16;
    const Op op{};
    T partial[sets][lanes];
    for (int s = 0; s < sets; ++s)
        for (int j = 0; j < lanes; ++j) partial[s][j] = Op::template start<T>();
    std::int64_t i = 0;
    for (; i + sets * lanes <= n; i += sets * lanes) {
#pragma GCC unroll 4
        for (int s = 0; s < sets; ++s) {
#pragma GCC unroll 1  // as a loop it becomes vectors
            for (int j = 0; j < lanes; ++j)
                partial[s][j] = op.template value<T>(partial[s][j], element(i + s * lanes + j));
        }
    }
    for (; sets > 1 && i + lanes <= n; i += lanes) {
#pragma GCC unroll 1
        for (int j = 0; j < lanes; ++j) partial[0][j] = op.template value<T>(partial[0][j], element(i + j));
    }
    for (int j = 0; i < n; ++i, ++j) partial[0][j] = op.template value<T>(partial[0][j], element(i));
    for (int s = 1; s < sets; ++s)
        for (int j = 0; j < lanes; ++j) partial[0][j] = op.template value<T>(partial[0][j], partial[s][j]);
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int j = 0; j < width; ++j)
            partial[0][j] = op.template value<T>(partial[0][j], partial[0][j + width]);
    return partial[0][0];
}

}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
