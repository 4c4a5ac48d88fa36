// Layer normalisation, a row at a time: two passes over the data, the mean and means of gradients in double.
#include <cmath>

#include <adjoint/cpu/fold.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

constexpr int sets_of_lanes = 4;

template <class T> struct NormalRow {
    const T* x;
    T centre, scale;
    T at(std::int64_t i) const { return (x[i] - centre) * scale; }
};

// Of the distances from the mean; rounding that changes it by no more than its own square.
template <class T> double sum_of_squares(std::int64_t n, const T* x, double mean) {
    const T middle = static_cast<T>(mean);
    const auto sum = static_cast<double>(fold<functor::Sum, T, sets_of_lanes>(n, [x, middle](std::int64_t i) {
        const T d = x[i] - middle;
        return d * d;
    }));
    if (sum > 0x1p-100 && sum < 0x1p100) return sum;
    // Squares that are beyond the type's range, or near its end.
    return fold<functor::Sum, double>(n, [x, mean](std::int64_t i) {
        const double d = static_cast<double>(x[i]) - mean;
        return d * d;
    });
}

template <class T> void normalize_rows(const LayerNormRows& call) {
    const std::int64_t n = call.columns;
    const auto count = static_cast<double>(n);
    const T* const weight = static_cast<const T*>(call.weight);
    const T* const bias = static_cast<const T*>(call.bias);
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const T* const x = static_cast<const T*>(call.x) + r * n;
        T* const y = static_cast<T*>(call.y) + r * n;
        const double mean = fold<functor::Sum, double, sets_of_lanes>(
                                n, [x](std::int64_t i) { return static_cast<double>(x[i]); }) /
                            count;
        const double square = sum_of_squares(n, x, mean);
        const double inverse = 1 / std::sqrt(square / count + call.eps);
        const NormalRow<T> h{x, static_cast<T>(mean), static_cast<T>(inverse)};
        static_cast<T*>(call.mean)[r] = h.centre;
        static_cast<T*>(call.inverse_std)[r] = h.scale;
        if (weight && bias) {
#pragma GCC ivdep
            for (std::int64_t i = 0; i < n; ++i) y[i] = h.at(i) * weight[i] + bias[i];
        } else if (weight) {
#pragma GCC ivdep
            for (std::int64_t i = 0; i < n; ++i) y[i] = h.at(i) * weight[i];
        } else {
#pragma GCC ivdep
            for (std::int64_t i = 0; i < n; ++i) y[i] = bias ? h.at(i) + bias[i] : h.at(i);
        }
    }
}

// With h the normalised row: dx = (u - mean(u) - h mean(u h)) / std for u = g weight.
template <bool weighted, class T>
void row_gradient(std::int64_t n, const NormalRow<T>& h, const T* g, const T* weight, T* dx) {
    const auto count = static_cast<double>(n);
    const auto u = [ g, weight ](std::int64_t i) __attribute__((always_inline)) {
        if constexpr (weighted) return g[i] * weight[i];
        return g[i];
    };
    const auto mean_u = static_cast<T>(fold<functor::Sum, double, sets_of_lanes>(
                                           n, [&](std::int64_t i) { return static_cast<double>(u(i)); }) /
                                       count);
    const auto mean_uh = static_cast<T>(
        fold<functor::Sum, double, sets_of_lanes>(
            n, [&](std::int64_t i) { return static_cast<double>(u(i)) * static_cast<double>(h.at(i)); }) /
        count);
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) dx[i] = h.scale * (u(i) - mean_u - h.at(i) * mean_uh);
}

template <class T> void normalize_rows_backward(const LayerNormGradients& call) {
    const std::int64_t n = call.columns;
    T* const dweight = static_cast<T*>(call.dweight);
    T* const dbias = static_cast<T*>(call.dbias);
    const T* const weight = static_cast<const T*>(call.weight);
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const NormalRow<T> h{static_cast<const T*>(call.x) + r * n, static_cast<const T*>(call.mean)[r],
                             static_cast<const T*>(call.inverse_std)[r]};
        const T* const g = static_cast<const T*>(call.g) + r * n;
        if (call.dx) {
            T* const dx = static_cast<T*>(call.dx) + r * n;
            weight ? row_gradient<true>(n, h, g, weight, dx) : row_gradient<false>(n, h, g, weight, dx);
        }
        if (dweight) {
#pragma GCC ivdep
            for (std::int64_t i = 0; i < n; ++i) dweight[i] += g[i] * h.at(i);
        }
        if (dbias) {
#pragma GCC ivdep
            for (std::int64_t i = 0; i < n; ++i) dbias[i] += g[i];
        }
    }
}

}  // namespace

void add_layer_norm(Kernels& table) {
    table.layer_norm[compute_f32] = {normalize_rows<float>, normalize_rows_backward<float>};
    table.layer_norm[compute_f64] = {normalize_rows<double>, normalize_rows_backward<double>};
}

}  // namespace adjoint::cpu::ADJOINT_ISA
