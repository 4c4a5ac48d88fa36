// The vectors of an instruction set: their sizes, loads, fused multiply-adds, transposition and packing.
// Compiled once per level: ADJOINT_ISA names the namespace, the compiler's -march flag decides the vectors.
// Everything here has internal linkage, so that no code of one level reaches another.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if !defined(ADJOINT_ISA)
#error "ADJOINT_ISA must name the namespace of the instruction set"
#endif

namespace adjoint::cpu::ADJOINT_ISA {
namespace {
namespace vectors {

// Besides vectors, how many rows a tile of sums may have that is two vectors wide and stays in registers.
#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
inline constexpr int tile_rows = 14;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
inline constexpr int tile_rows = 6;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int tile_rows = 4;
#endif

template <typename T> struct VectorOf {
    using Type __attribute__((vector_size(vector_bytes))) = T;
    using Unaligned __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias)) = T;
};
template <typename T> using Vector = typename VectorOf<T>::Type;

template <typename T> constexpr int width = vector_bytes / static_cast<int>(sizeof(T));
template <typename T> constexpr int tile_columns = 2 * width<T>;

template <typename T> __attribute__((always_inline)) inline Vector<T> load(const T* p) {
    return *reinterpret_cast<const typename VectorOf<T>::Unaligned*>(p);
}
template <typename T> __attribute__((always_inline)) inline void store(T* p, Vector<T> v) {
    *reinterpret_cast<typename VectorOf<T>::Unaligned*>(p) = v;
}

// a * b + c with one rounding where the level has it, whatever the contraction setting.
#if defined(__AVX512F__)
__attribute__((always_inline)) inline __m512 multiply_add(__m512 a, __m512 b, __m512 c) {
    return _mm512_fmadd_ps(a, b, c);
}
__attribute__((always_inline)) inline __m512d multiply_add(__m512d a, __m512d b, __m512d c) {
    return _mm512_fmadd_pd(a, b, c);
}
#elif defined(__FMA__)
__attribute__((always_inline)) inline __m256 multiply_add(__m256 a, __m256 b, __m256 c) {
    return _mm256_fmadd_ps(a, b, c);
}
__attribute__((always_inline)) inline __m256d multiply_add(__m256d a, __m256d b, __m256d c) {
    return _mm256_fmadd_pd(a, b, c);
}
#else
template <typename V> __attribute__((always_inline)) inline V multiply_add(V a, V b, V c) {
    return a * b + c;
}
#endif
#if defined(__FMA__)
template <typename T>
requires std::is_floating_point_v<T>
__attribute__((always_inline)) inline T multiply_add(T a, T b, T c) {
    if constexpr (std::is_same_v<T, float>)
        return __builtin_fmaf(a, b, c);
    else
        return __builtin_fma(a, b, c);
}
#endif

// Tiles of equal height, of rows that are taken one by one.
struct Tiles {
    std::int64_t count, height;
    explicit Tiles(std::int64_t size)
        : count((size + tile_rows - 1) / tile_rows), height((size + count - 1) / count) {}
};

// Where row i of a tile lies that is i strides on. Odd multiples in registers and the addressing mode's
// factors 2, 4, 8 give all rows up to 14 without a pointer each; the empty asm keeps the compiler from making
// pointers of them.
template <typename T, int rows> struct RowSteps {
    std::int64_t odd[(rows + 1) / 2];
    __attribute__((always_inline)) explicit RowSteps(std::int64_t stride) {
        for (int i = 0; i < (rows + 1) / 2; ++i) {
            odd[i] = (2 * i + 1) * stride * static_cast<std::int64_t>(sizeof(T));
            asm("" : "+r"(odd[i]));
        }
    }
    __attribute__((always_inline)) const T* at(const T* first, int i) const {
        const int twos = i == 0 ? 0 : __builtin_ctz(static_cast<unsigned>(i));
        const auto offset = i == 0 ? 0 : odd[(i >> twos) / 2] * (std::int64_t{1} << twos);
        return reinterpret_cast<const T*>(reinterpret_cast<const char*>(first) + offset);
    }
};

// to = or += sum, whose rows lie `step` apart there.
template <typename T, int rows, int vectors>
__attribute__((always_inline)) inline void store_sums(const Vector<T> (&sum)[rows][vectors], T* to,
                                                      std::int64_t step, bool accumulate) {
#pragma GCC unroll 14
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) {
            T* const at = to + i * step + j * width<T>;
            store(at, accumulate ? load(at) + sum[i][j] : sum[i][j]);
        }
    }
}

constexpr std::int64_t round_up(std::int64_t x, std::int64_t step) { return (x + step - 1) / step * step; }

// Of two rows d apart: the low squares of side d side by side, or the high ones.
template <typename T, int d, bool high, int... lane>
__attribute__((always_inline)) inline Vector<T> exchange(Vector<T> x, Vector<T> y,
                                                         std::integer_sequence<int, lane...>) {
    constexpr int w = width<T>;
    if constexpr (high)
        return __builtin_shufflevector(x, y, ((lane & d) == 0 ? lane + d : w + lane)...);
    else
        return __builtin_shufflevector(x, y, ((lane & d) == 0 ? lane : w + lane - d)...);
}

// Transposes a square of vectors in registers: in step d, the off-diagonal squares of side d change places.
template <typename T, int d = 1>
__attribute__((always_inline)) inline void transpose(Vector<T> (&v)[width<T>]) {
    constexpr int w = width<T>;
    if constexpr (d < w) {
        constexpr auto lanes = std::make_integer_sequence<int, w>{};
#pragma GCC unroll 16
        for (int i = 0; i < w; ++i) {
            if ((i & d) == 0) {
                const Vector<T> x = v[i];
                const Vector<T> y = v[i + d];
                v[i] = exchange<T, d, false>(x, y, lanes);
                v[i + d] = exchange<T, d, true>(x, y, lanes);
            }
        }
        transpose<T, 2 * d>(v);
    }
}

// Packs `count` <= size lines of length k into to[place(p) * size + line], the rest of the lines being 0.
// `line` and `along` are the strides across and along the lines.
template <typename T, int size, typename Place>
void pack(T* to, const T* from, std::int64_t line, std::int64_t along, std::int64_t count, std::int64_t k,
          Place place) {
    constexpr int w = width<T>;
    if (count == size && line == 1) {
        for (std::int64_t p = 0; p < k; ++p)
            std::memcpy(to + place(p) * size, from + p * along, size * sizeof(T));
        return;
    }
    std::int64_t p = 0;
    if (along == 1) {
        for (; p + w <= k; p += w) {
#pragma GCC unroll 4
            for (int first = 0; first < size; first += w) {
                Vector<T> v[w];
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) {
                    v[i] = first + i < count ? load(from + (first + i) * line + p) : Vector<T>{};
                }
                transpose<T>(v);
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) {
                    std::memcpy(to + place(p + i) * size + first, &v[i],
                                static_cast<std::size_t>(std::min(w, size - first)) * sizeof(T));
                }
            }
        }
    }
    for (; p < k; ++p) {
        T* const row = to + place(p) * size;
        for (int i = 0; i < size; ++i) row[i] = i < count ? from[i * line + p * along] : T(0);
    }
}
template <typename T, int size>
void pack(T* to, const T* from, std::int64_t line, std::int64_t along, std::int64_t count, std::int64_t k) {
    pack<T, size>(to, from, line, along, count, k, [](std::int64_t p) { return p; });
}

}  // namespace vectors
}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
