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

template <class Op, class T, class F>
__attribute__((always_inline)) inline T fold(std::int64_t n, F element) {
    constexpr int lanes = 16;
    const Op op{};
    T partial[lanes];
    for (int j = 0; j < lanes; ++j) partial[j] = Op::template start<T>();
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
#pragma GCC unroll 1  // as a loop it becomes vectors
        for (int j = 0; j < lanes; ++j) partial[j] = op.template value<T>(partial[j], element(i + j));
    }
    for (int j = 0; i < n; ++i, ++j) partial[j] = op.template value<T>(partial[j], element(i));
    for (int width = lanes / 2; width > 0; width /= 2)
        for (int j = 0; j < width; ++j) partial[j] = op.template value<T>(partial[j], partial[j + width]);
    return partial[0];
}

}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
