// Transposed copies, squares of vectors at a time.
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

// Rows of `to` are written in whole cache lines: where vectors are shorter, by several squares side by side.
template <class T> void transpose_block(const TransposeCall& call) {
    using namespace vectors;
    constexpr int w = width<T>, squares = 64 / vector_bytes, line = squares * w;
    T* const to = static_cast<T*>(call.to);
    const T* const from = static_cast<const T*>(call.from);
    const std::int64_t rows = call.rows / line * line, columns = call.columns / w * w;
    for (std::int64_t r = 0; r < rows; r += line)
        for (std::int64_t c = 0; c < columns; c += w) {
            Vector<T> v[squares][w];
#pragma GCC unroll 4
            for (int s = 0; s < squares; ++s) {
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) v[s][i] = load(from + (r + s * w + i) * call.from_row + c);
                transpose<T>(v[s]);
            }
#pragma GCC unroll 16
            for (int i = 0; i < w; ++i)
#pragma GCC unroll 4
                for (int s = 0; s < squares; ++s) store(to + (c + i) * call.to_row + r + s * w, v[s][i]);
        }
    for (std::int64_t r = 0; r < call.rows; ++r)
        for (std::int64_t c = r < rows ? columns : 0; c < call.columns; ++c)
            to[c * call.to_row + r] = from[r * call.from_row + c];
}

}  // namespace

void add_transpose(Kernels& table) {
    table.transpose[0] = transpose_block<float>;
    table.transpose[1] = transpose_block<double>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
