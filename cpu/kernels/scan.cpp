// Running totals of a row of f32, eight at a time, in double.
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;

constexpr int lanes = width<double>, together = 8, parts = together / lanes;
using Totals = Vector<double>;
using Floats __attribute__((vector_size(4 * lanes), aligned(4), may_alias)) = float;

// By name where the compiler would make two halves of it.
__attribute__((always_inline)) inline Totals widen(const float* x) {
#if defined(__AVX512F__)
    return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(x));
#elif defined(__AVX__)
    return _mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    return __builtin_convertvector(*reinterpret_cast<const Floats*>(x), Totals);
#endif
}

// Place i from the end that the totals begin with.
template <bool reverse, int size> constexpr int place(int i) { return reverse ? size - 1 - i : i; }

// In the upper half of each 2 d lanes the last of the lower half, in the others 0.
template <bool reverse, int d, int... lane>
__attribute__((always_inline)) inline Totals last_below(Totals v, std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(
        v, Totals{},
        ((place<reverse, lanes>(lane) & d) == 0
             ? lanes + lane
             : place<reverse, lanes>((place<reverse, lanes>(lane) & ~(2 * d - 1)) + d - 1))...);
}

// Totals within the eight: those of d become those of 2 d. The same sums for vectors of any length.
template <bool reverse, int d = 1>
__attribute__((always_inline)) inline void add_neighbours(Totals (&v)[parts]) {
    if constexpr (d < together) {
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i) {
            if constexpr (d < lanes) {
                v[i] += last_below<reverse, d>(v[i], std::make_integer_sequence<int, lanes>{});
            } else if ((i * lanes & d) != 0) {
                constexpr int last = place<reverse, lanes>(lanes - 1);
                const int below = ((i * lanes & ~(2 * d - 1)) + d) / lanes - 1;
                v[place<reverse, parts>(i)] += v[place<reverse, parts>(below)][last] - Totals{};
            }
        }
        add_neighbours<reverse, 2 * d>(v);
    }
}

template <bool reverse> void running_sums(float* out, const float* x, std::int64_t n) {
    Totals before{};
    std::int64_t done = 0;
    for (; done + together <= n; done += together) {
        const std::int64_t at = reverse ? n - done - together : done;
        Totals v[parts];
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i) v[i] = widen(x + at + i * lanes);
        add_neighbours<reverse>(v);
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i)
            *reinterpret_cast<Floats*>(out + at + i * lanes) = __builtin_convertvector(before + v[i], Floats);
        before += v[place<reverse, parts>(parts - 1)][place<reverse, lanes>(lanes - 1)] - Totals{};
    }
    double total = before[0];
    for (; done < n; ++done) {
        const std::int64_t at = reverse ? n - done - 1 : done;
        total += static_cast<double>(x[at]);
        out[at] = static_cast<float>(total);
    }
}

}  // namespace

void add_scan(Kernels& table) {
    table.running_sums[0] = running_sums<false>;
    table.running_sums[1] = running_sums<true>;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
