// Lines of bf16 taken as pairs, two neighbours along k, which is how instructions multiply them: a pair is
// four bytes. Compiled for each set of instructions that has such (kernels/bf16, kernels/amx).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <adjoint/core/base/half.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {
namespace pairs {

using namespace vectors;

// Pair p of line i, zeros behind the last line and behind k.
inline std::uint32_t pair_at(const PairLines& lines, std::int64_t i, std::int64_t p) {
    if (i >= lines.count || 2 * p >= lines.k) return 0;
    const std::uint16_t* const at = lines.first + i * lines.line + 2 * p * lines.along;
    return at[0] | (2 * p + 1 < lines.k ? std::uint32_t{at[lines.along]} << 16 : 0);
}

using Words __attribute__((vector_size(vector_bytes))) = std::uint32_t;

__attribute__((always_inline)) inline Words words_at(const std::uint16_t* from) {
    typedef std::uint16_t Halves __attribute__((vector_size(vector_bytes / 2)));
    Halves halves;
    std::memcpy(&halves, from, sizeof halves);
    return __builtin_convertvector(halves, Words);
}
// A vector of pairs p of neighbouring lines, from line i on: one number of each of two rows in turn.
__attribute__((always_inline)) inline Words pairs_of_lines(const PairLines& lines, std::int64_t i,
                                                           std::int64_t p) {
    const std::uint16_t* const at = lines.first + i + 2 * p * lines.along;
    return words_at(at) | words_at(at + lines.along) << 16;
}

// vectors::pack of pairs: to[p * size + line] for all p < count, the rest of the lines and of k being 0.
template <int size> void pack_side_by_side(std::uint32_t* to, const PairLines& lines, std::int64_t count) {
    constexpr int w = width<float>;
    const std::int64_t whole = lines.k / 2;
    std::int64_t p = 0;
    if (lines.along == 1) {
        // Pairs lie in memory as they are.
        for (; p + w <= whole; p += w) {
            for (int first = 0; first < size; first += w) {
                Vector<float> v[w];
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) {
                    v[i] = Vector<float>{};
                    if (first + i < lines.count)
                        std::memcpy(&v[i], lines.first + (first + i) * lines.line + 2 * p, sizeof v[i]);
                }
                transpose<float>(v);
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i)
                    std::memcpy(to + (p + i) * size + first, &v[i],
                                static_cast<std::size_t>(std::min(w, size - first)) * sizeof(float));
            }
        }
    } else if (lines.line == 1) {
        const int full = static_cast<int>(std::min<std::int64_t>(lines.count, size)) / w * w;
        for (; p < whole; ++p) {
            int i = 0;
            for (; i < full; i += w) {
                const Words both = pairs_of_lines(lines, i, p);
                std::memcpy(to + p * size + i, &both, sizeof both);
            }
            for (; i < size; ++i) to[p * size + i] = pair_at(lines, i, p);
        }
    }
    for (; p < count; ++p)
        for (int i = 0; i < size; ++i) to[p * size + i] = pair_at(lines, i, p);
}

// A tile's sums, rows of `size` numbers, on their way into C.
template <int size>
void round(std::uint16_t* c, std::int64_t c_row, const float* sums, std::int64_t rows, std::int64_t columns,
           const float* bias) {
    constexpr float none[size] = {};
    const float* const added = bias ? bias : none;
    const std::int64_t n = std::min<std::int64_t>(size, columns);
    for (std::int64_t r = 0; r < rows; ++r) {
        std::uint16_t* const to = c + r * c_row;
        const float* const from = sums + r * size;
        if (n == size) {
#pragma GCC ivdep
            for (int j = 0; j < size; ++j) to[j] = bfloat16(from[j] + added[j]).bits;
        } else {
#pragma GCC ivdep
            for (std::int64_t j = 0; j < n; ++j) to[j] = bfloat16(from[j] + added[j]).bits;
        }
    }
}

}  // namespace pairs
}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
