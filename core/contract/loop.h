// What floor 1 hands to a backend: operands with checked, broadcast and coalesced strides.
#pragma once

#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/shape.h>

// A number of operands is an int, and GCC takes it for a conversion that it sizes an array.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"

namespace adjoint {

/// Elements of one type starting at `data`.
struct Operand {
    void* data = nullptr;
    DType dtype = DType::f32;

    template <class T> T* as() const noexcept { return static_cast<T*>(data); }
};

/// An elementwise traversal of N operands of one shape; operand 0 is written, the others are read.
///
/// Dimensions of size 1 are dropped and neighbours merged where all strides allow it, so a `dense` loop has
/// rank 1 (rank 0 has one element). Broadcast operands have strides of 0. Arithmetic is done in `compute`:
/// f32, f64 or i64.
template <int N> struct Loop {
    int rank = 0;
    std::int64_t numel = 1;
    DType compute = DType::f32;
    bool dense = true;
    std::int64_t sizes[max_dims];
    std::int64_t strides[N][max_dims];
    Operand operands[N];
};

/// A reduction: `outputs` dense results, each over `length` elements of `in`.
struct ReductionLoop {
    Operand out, in;
    DType compute = DType::f32;
    std::int64_t outputs = 1, length = 1;
    int kept_rank = 0, reduced_rank = 0;
    std::int64_t kept_sizes[max_dims], kept_strides[max_dims];
    std::int64_t reduced_sizes[max_dims], reduced_strides[max_dims];
};

/// Appends an inner dimension to `rank` ones of N operands: left out if its size is 1, merged with the one
/// before if that steps over it whole in every operand.
template <int N>
void append_dimension(int& rank, std::int64_t* sizes, std::int64_t (*strides)[max_dims], std::int64_t size,
                      const std::int64_t (&steps)[N]) {
    if (size == 1) return;
    bool merge = rank > 0;
    for (int i = 0; i < N && merge; ++i) merge = strides[i][rank - 1] == steps[i] * size;
    if (merge)
        sizes[rank - 1] *= size;
    else
        sizes[rank++] = size;
    for (int i = 0; i < N; ++i) strides[i][rank - 1] = steps[i];
}

/// Says whether the loop, all of whose dimensions are there, is dense.
template <int N> void settle_dense(Loop<N>& loop) {
    loop.dense = loop.rank <= 1;
    for (int i = 0; i < N && loop.rank == 1; ++i) loop.dense = loop.dense && loop.strides[i][0] == 1;
}

/// The same loop over operands `which` alone.
template <int M, int N> Loop<M> over_operands(const Loop<N>& loop, const int (&which)[M]) {
    Loop<M> rest;
    rest.numel = loop.numel;
    rest.compute = loop.compute;
    for (int i = 0; i < M; ++i) rest.operands[i] = loop.operands[which[i]];
    for (int d = 0; d < loop.rank; ++d) {
        std::int64_t steps[M];
        for (int i = 0; i < M; ++i) steps[i] = loop.strides[which[i]][d];
        append_dimension(rest.rank, rest.sizes, rest.strides, loop.sizes[d], steps);
    }
    settle_dense(rest);
    return rest;
}

/// The strides of elements that lie in row-major order without gaps.
inline void dense_strides(int rank, const std::int64_t* sizes, std::int64_t* strides) {
    std::int64_t step = 1;
    for (int d = rank - 1; d >= 0; --d) {
        strides[d] = step;
        step *= sizes[d];
    }
}

}  // namespace adjoint

#pragma GCC diagnostic pop
