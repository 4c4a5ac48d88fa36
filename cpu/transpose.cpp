// Strips of a source that are transposed into neighbouring rows of the target.
#include <adjoint/cpu/transpose.h>

#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

constexpr std::int64_t strip_rows = 64;  // rows of the target in a task
constexpr std::int64_t least_side = 8;   // elements along a side that pay

// The dimension along which the source is dense, if it is not the last and the target is dense; else -1.
int inner_dimension(const Loop<2>& loop) {
    std::int64_t stride = 1;
    for (int d = loop.rank - 1; d >= 0; stride *= loop.sizes[d--])
        if (loop.strides[0][d] != stride) return -1;
    for (int d = 0; d + 1 < loop.rank; ++d)
        if (loop.strides[1][d] == 1) return d;
    return -1;
}

}  // namespace

bool transposed_copy(const Loop<2>& loop) {
    const DType type = loop.operands[0].dtype;
    const auto bytes = static_cast<std::int64_t>(size_of(type));
    if (loop.operands[1].dtype != type || (bytes != 4 && bytes != 8)) return false;
    const int inner = inner_dimension(loop), last = loop.rank - 1;
    if (inner < 0 || loop.sizes[inner] < least_side || loop.sizes[last] < least_side) return false;

    const TransposeKernel kernel = kernels().transpose[bytes == 8];
    const std::int64_t rows = loop.sizes[last], columns = loop.sizes[inner],
                       strips = ceil_div(columns, strip_rows);
    for_pieces(loop.numel / rows / columns * strips, rows * std::min(columns, strip_rows),
               [&](std::int64_t piece) {
                   // Where the strip_rows begins: its place along the other dimensions.
                   const std::int64_t column = piece % strips * strip_rows;
                   std::int64_t rest = piece / strips, to = column * loop.strides[0][inner], from = column;
                   for (int d = last - 1; d >= 0; --d) {
                       if (d == inner) continue;
                       to += rest % loop.sizes[d] * loop.strides[0][d];
                       from += rest % loop.sizes[d] * loop.strides[1][d];
                       rest /= loop.sizes[d];
                   }
                   kernel({.to = static_cast<char*>(loop.operands[0].data) + to * bytes,
                           .from = static_cast<const char*>(loop.operands[1].data) + from * bytes,
                           .rows = rows,
                           .columns = std::min(strip_rows, columns - column),
                           .to_row = loop.strides[0][inner],
                           .from_row = loop.strides[1][last]});
               });
    return true;
}

}  // namespace adjoint::cpu
