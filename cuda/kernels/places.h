// Loops in the form that kernels take: cut into pieces that 32-bit index arithmetic can walk.
#pragma once

#include <adjoint/core/contract/loop.h>
#include <adjoint/cuda/kernels/device_code.h>

namespace adjoint::cuda_backend {

/// Whether 32-bit arithmetic reaches every element number and every offset of the loop.
template <int N> bool fits_32_bits(const DeviceState& device, const Loop<N>& loop) {
    const std::int64_t limit = device.narrow;
    bool fits = loop.numel <= limit;
    for (int k = 0; k < N && fits; ++k) {
        std::int64_t low = 0, high = 0;
        for (int d = 0; d < loop.rank; ++d) {
            const std::int64_t last = (loop.sizes[d] - 1) * loop.strides[k][d];
            (last < 0 ? low : high) += last;
        }
        fits = low >= -limit && high <= limit;
    }
    return fits;
}

/// Calls f(piece) for parts of `loop` that 32-bit arithmetic can walk:
/// for the loop itself, unless it is huge.
template <int N, class F> void for_32_bit_pieces(const DeviceState& device, const Loop<N>& loop, F f) {
    if (fits_32_bits(device, loop)) {
        f(loop);
        return;
    }
    int largest = 0;
    for (int d = 1; d < loop.rank; ++d)
        if (loop.sizes[d] > loop.sizes[largest]) largest = d;
    Loop<N> half = loop;
    constexpr std::int64_t aligned = 16;  // elements: packs begin in both halves
    const std::int64_t size = loop.sizes[largest],
                       first = size > 2 * aligned ? size / 2 / aligned * aligned : size / 2;
    half.sizes[largest] = first;
    half.numel = loop.numel / size * first;
    for_32_bit_pieces(device, half, f);
    half.sizes[largest] = size - first;
    half.numel = loop.numel - half.numel;
    for (int k = 0; k < N; ++k)
        half.operands[k].data =
            half.operands[k].template as<char>() +
            first * loop.strides[k][largest] * static_cast<std::int64_t>(size_of(loop.operands[k].dtype));
    for_32_bit_pieces(device, half, f);
}

/// The walk over a piece.
template <int N> Places<N> places(const Loop<N>& piece) {
    Places<N> out;
    out.rank = piece.rank;
    for (int d = 0; d < piece.rank; ++d) {
        const int from = piece.rank - 1 - d;
        out.sizes[d] = Divisor(piece.sizes[from]);
        for (int k = 0; k < N; ++k) out.strides[d][k] = static_cast<std::int32_t>(piece.strides[k][from]);
    }
    return out;
}

}  // namespace adjoint::cuda_backend
