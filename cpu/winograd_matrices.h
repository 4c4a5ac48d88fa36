// The matrices of Winograd's convolutions, F(4 x 4, 3 x 3): 36 products for 16 outputs instead of 144.
// source: Lavin and Gray, Fast algorithms for convolutional neural networks, CVPR 2016.
//
// Filter g, image tile d and output tile y are taken at the points 0, a, -a, b, -b and infinity along both
// axes, like polynomials; there filtering is one product for each point:
//     y = A^T [(G g G^T) . (B^T d B)] A
// Its derivative goes through the same matrices: dg = G^T [(A dy A^T) . (B^T d B)] G.
// a = 2/3 and b = 3/2 round less than the usual 1 and 2; that a b = 1 makes the matrices short.
#pragma once

#include <adjoint/cpu/gemm.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {
namespace winograd_detail {

using namespace gemm_detail;

using V = Vector<float>;
inline constexpr std::int64_t lanes = width<float>;
inline constexpr int points = 6, outputs = winograd_outputs, taps = 3;
static_assert(points * points == winograd_points);

inline constexpr float a = 2.0F / 3, b = 3.0F / 2, aa = a * a, bb = b * b;
// One over the product of a point's distances from the other finite ones.
inline constexpr float near_a = 1 / (2 * aa * (aa - bb)), near_b = 1 / (2 * bb * (bb - aa));

__attribute__((always_inline)) inline V times(float factor, V x) { return (factor - V{}) * x; }
__attribute__((always_inline)) inline V add_times(V sum, float factor, V x) {
    return multiply_add(factor - V{}, x, sum);
}

// The matrices. Of the rows of a point and its opposite, the even terms are the same
// and the odd ones opposite.

// B^T: the row of a point is the polynomial that vanishes at the other finite points, d being its powers.
struct ImageMatrix {
    static constexpr int from = points, to = points;
    __attribute__((always_inline)) static void apply(const V* d, V* out) {
        const V even_a = add_times(d[4], -bb, d[2]), odd_a = add_times(d[3], -bb, d[1]);
        const V even_b = add_times(d[4], -aa, d[2]), odd_b = add_times(d[3], -aa, d[1]);
        out[0] = add_times(d[0] + d[4], -(aa + bb), d[2]);
        out[1] = add_times(even_a, a, odd_a);
        out[2] = add_times(even_a, -a, odd_a);
        out[3] = add_times(even_b, b, odd_b);
        out[4] = add_times(even_b, -b, odd_b);
        out[5] = add_times(d[1] + d[5], -(aa + bb), d[3]);
    }
};

// G: powers of the point, over its distances from the others.
struct FilterMatrix {
    static constexpr int from = taps, to = points;
    __attribute__((always_inline)) static void apply(const V* g, V* out) {
        const V even_a = times(near_a, add_times(g[0], aa, g[2])), odd_a = times(near_a * a, g[1]);
        const V even_b = times(near_b, add_times(g[0], bb, g[2])), odd_b = times(near_b * b, g[1]);
        out[0] = g[0];
        out[1] = even_a + odd_a;
        out[2] = even_a - odd_a;
        out[3] = even_b + odd_b;
        out[4] = even_b - odd_b;
        out[5] = g[2];
    }
};

// G^T
struct FilterGradientMatrix {
    static constexpr int from = points, to = taps;
    __attribute__((always_inline)) static void apply(const V* p, V* out) {
        const V even_a = times(near_a, p[1] + p[2]), odd_a = times(near_a * a, p[1] - p[2]);
        const V even_b = times(near_b, p[3] + p[4]), odd_b = times(near_b * b, p[3] - p[4]);
        out[0] = p[0] + (even_a + even_b);
        out[1] = odd_a + odd_b;
        out[2] = add_times(times(bb, even_b), aa, even_a) + p[5];
    }
};

// A^T: row i holds the i-th powers of the points.
struct OutputMatrix {
    static constexpr int from = points, to = outputs;
    __attribute__((always_inline)) static void apply(const V* p, V* out) {
        const V even_a = p[1] + p[2], odd_a = p[1] - p[2], even_b = p[3] + p[4], odd_b = p[3] - p[4];
        out[0] = p[0] + (even_a + even_b);
        out[1] = add_times(times(b, odd_b), a, odd_a);
        out[2] = add_times(times(bb, even_b), aa, even_a);
        out[3] = add_times(add_times(p[5], b * bb, odd_b), a * aa, odd_a);
    }
};

// A
struct GradientMatrix {
    static constexpr int from = outputs, to = points;
    __attribute__((always_inline)) static void apply(const V* y, V* out) {
        const V even_a = add_times(y[0], aa, y[2]), odd_a = add_times(y[1], aa, y[3]);
        const V even_b = add_times(y[0], bb, y[2]), odd_b = add_times(y[1], bb, y[3]);
        out[0] = y[0];
        out[1] = add_times(even_a, a, odd_a);
        out[2] = add_times(even_a, -a, odd_a);
        out[3] = add_times(even_b, b, odd_b);
        out[4] = add_times(even_b, -b, odd_b);
        out[5] = y[3];
    }
};

// The matrix from the left and its transpose from the right: load(i, j) to store(i, j, value).
template <class Matrix, class Load, class Store>
__attribute__((always_inline)) inline void both_axes(Load load, Store store) {
    V half[Matrix::to][Matrix::from];
#pragma GCC unroll 6
    for (int j = 0; j < Matrix::from; ++j) {
        V column[Matrix::from], out[Matrix::to];
#pragma GCC unroll 6
        for (int i = 0; i < Matrix::from; ++i) column[i] = load(i, j);
        Matrix::apply(column, out);
#pragma GCC unroll 6
        for (int i = 0; i < Matrix::to; ++i) half[i][j] = out[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < Matrix::to; ++i) {
        V out[Matrix::to];
        Matrix::apply(half[i], out);
#pragma GCC unroll 6
        for (int j = 0; j < Matrix::to; ++j) store(i, j, out[j]);
    }
}

}  // namespace winograd_detail
}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
