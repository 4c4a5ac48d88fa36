// Layer normalisation, a row at a time.
#include <algorithm>
#include <cmath>

#include <adjoint/cpu/fold.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;

constexpr int lanes = 16;  // of sums, at every level
template <class T> constexpr int parts = lanes / width<T>;

// An element or a vector of them.
template <class X, class T> __attribute__((always_inline)) inline X get(const T* x) {
    if constexpr (std::is_same_v<X, T>)
        return *x;
    else
        return load(x);
}

template <class T> struct NormalRow {
    const T* x;
    T centre, scale;
    template <class X = T> __attribute__((always_inline)) X at(std::int64_t i) const {
        return (get<X>(x + i) - centre) * scale;
    }
};

// The sum of the lanes, pairwise.
template <class T, int d, int... lane>
__attribute__((always_inline)) inline Vector<T> upper_lanes(Vector<T> v,
                                                            std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(v, v, ((lane + d) % width<T>)...);
}
template <class T, int d = width<T> / 2> __attribute__((always_inline)) inline T sum_within(Vector<T> v) {
    v += upper_lanes<T, d>(v, std::make_integer_sequence<int, width<T>>{});
    if constexpr (d > 1) return sum_within<T, d / 2>(v);
    return v[0];
}
template <class T, int count> __attribute__((always_inline)) inline T sum_of_lanes(const Vector<T>* v) {
    if constexpr (count > 1) {
        Vector<T> half[count / 2];
#pragma GCC unroll 8
        for (int i = 0; i < count / 2; ++i) half[i] = v[i] + v[i + count / 2];
        return sum_of_lanes<T, count / 2>(half);
    } else {
        return sum_within<T>(*v);
    }
}

// Lanes that count and, before them, lanes that do not.
template <class T> using Counts = decltype(Vector<T>{} == Vector<T>{});
template <class T> using Count = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
constexpr Count<T> whole[2 * lanes] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                       1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

// Sums of `count` things of each element: of a block in T, which keeps what a sum of few rounds off, of the
// blocks in double.
template <class T, int count, class F>
__attribute__((always_inline)) inline void add_up(std::int64_t n, double* sums, F element) {
    constexpr int sets = 4 / count, step = sets * lanes;
    constexpr std::int64_t most = 1024;
    for (std::int64_t first = 0; first < n; first += most) {
        const std::int64_t last = std::min(first + most, n);
        Vector<T> partial[count][sets * parts<T>] = {};
        const auto add = [&](std::int64_t i, int part, auto... counts) __attribute__((always_inline)) {
            Vector<T> e[count];
            element(i, e);
#pragma GCC unroll 2
            for (int k = 0; k < count; ++k) {
                if constexpr (sizeof...(counts) > 0)
                    ((e[k] = counts != Counts<T>{} ? e[k] : Vector<T>{}), ...);
                partial[k][part] += e[k];
            }
        };
        std::int64_t i = first;
        for (; i + step <= last; i += step)
#pragma GCC unroll 32
            for (int part = 0; part < sets * parts<T>; ++part) add(i + part * width<T>, part);
        for (; i + lanes <= last; i += lanes)
#pragma GCC unroll 8
            for (int part = 0; part < parts<T>; ++part) add(i + part * width<T>, part);
        if (i < last && last - first >= lanes) {
            // The last group ends with the block; what it has in common with the one before counts once.
#pragma GCC unroll 8
            for (int part = 0; part < parts<T>; ++part)
                add(last - lanes + part * width<T>, part, load(whole<T> + (last - i) + part * width<T>));
        } else if (i < last) {
            T rest[count][lanes] = {};
            for (int j = 0; i < last; ++i, ++j) {
                T e[count];
                element(i, e);
                for (int k = 0; k < count; ++k) rest[k][j] = e[k];
            }
            for (int k = 0; k < count; ++k)
#pragma GCC unroll 8
                for (int part = 0; part < parts<T>; ++part)
                    partial[k][part] += load(rest[k] + part * width<T>);
        }
#pragma GCC unroll 2
        for (int k = 0; k < count; ++k)
            sums[k] += static_cast<double>(sum_of_lanes<T, sets * parts<T>>(partial[k]));
    }
}

struct Moments {
    double mean, square;  // of the distances from it the sum of squares
};

template <class T> Moments moments(std::int64_t n, const T* x) {
    const auto count = static_cast<double>(n);
    // Around a mean that is large beside the distances from it, once more.
    T middle = 0;
    for (int round = 0; round < 2; ++round) {
        double sums[2] = {};
        add_up<T, 2>(
            n, sums, [ x, middle ]<class X>(std::int64_t i, X * e) __attribute__((always_inline)) {
                e[0] = get<X>(x + i) - middle;
                e[1] = e[0] * e[0];
            });
        const double off = sums[0] / count, square = sums[1] - sums[0] * off;
        const double mean = static_cast<double>(middle) + off;
        if (sums[1] > 0x1p-100 && sums[1] < 0x1p100 && square > sums[1] / 4) return {mean, square};
        middle = static_cast<T>(mean);
    }
    // Squares that are beyond the type's range or near its end, or no spread at all.
    const double mean =
        fold<functor::Sum, double>(n, [x](std::int64_t i) { return static_cast<double>(x[i]); }) / count;
    return {mean, fold<functor::Sum, double>(n, [x, mean](std::int64_t i) {
                const double d = static_cast<double>(x[i]) - mean;
                return d * d;
            })};
}

// Brings the row behind one near while that one is computed.
template <class T> void fetch_row(std::int64_t n, const T* x) {
    constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T)), most = 4096;
    for (std::int64_t i = 0; i < std::min(n, most); i += line) __builtin_prefetch(x + i, 0, 2);
}

template <class T> void normalize_rows(const LayerNormRows& call) {
    const std::int64_t n = call.columns;
    const auto count = static_cast<double>(n);
    const T* const weight = static_cast<const T*>(call.weight);
    const T* const bias = static_cast<const T*>(call.bias);
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const T* const x = static_cast<const T*>(call.x) + r * n;
        T* const y = static_cast<T*>(call.y) + r * n;
        if (r + 1 < call.rows) fetch_row(n, x + n);
        const Moments of = moments(n, x);
        const double inverse = 1 / std::sqrt(of.square / count + call.eps);
        const NormalRow<T> h{x, static_cast<T>(of.mean), static_cast<T>(inverse)};
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
void row_gradient(std::int64_t n, const NormalRow<T>& row, const T* g, const T* weight, T* dx) {
    const NormalRow<T> h = row;
    const auto u = [ g, weight ]<class X>(std::int64_t i, X & to) __attribute__((always_inline)) {
        to = get<X>(g + i);
        if constexpr (weighted) to *= get<X>(weight + i);
    };
    double sums[2] = {};
    add_up<T, 2>(
        n, sums, [=]<class X>(std::int64_t i, X * e) __attribute__((always_inline)) {
            u(i, e[0]);
            e[1] = e[0] * h.template at<X>(i);
        });
    const auto mean_u = static_cast<T>(sums[0] / static_cast<double>(n));
    const auto mean_uh = static_cast<T>(sums[1] / static_cast<double>(n));
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) {
        T v;
        u(i, v);
        dx[i] = h.scale * (v - mean_u - h.at(i) * mean_uh);
    }
}

// What `rows` rows add to the gradients of weight and bias, one after the other in each element.
template <int rows, class T>
void add_gradients(std::int64_t n, const LayerNormGradients& call, std::int64_t first) {
    const T* const g = static_cast<const T*>(call.g) + first * n;
    T* const dweight = static_cast<T*>(call.dweight);
    T* const dbias = static_cast<T*>(call.dbias);
    NormalRow<T> h[rows];
    for (int r = 0; r < rows; ++r)
        h[r] = {static_cast<const T*>(call.x) + (first + r) * n, static_cast<const T*>(call.mean)[first + r],
                static_cast<const T*>(call.inverse_std)[first + r]};
    if (dweight) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) {
            T sum = dweight[i];
            for (int r = 0; r < rows; ++r) sum += g[r * n + i] * h[r].at(i);
            dweight[i] = sum;
        }
    }
    if (dbias) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < n; ++i) {
            T sum = dbias[i];
            for (int r = 0; r < rows; ++r) sum += g[r * n + i];
            dbias[i] = sum;
        }
    }
}

template <class T> void normalize_rows_backward(const LayerNormGradients& call) {
    constexpr int together = 4;
    const std::int64_t n = call.columns;
    const T* const weight = static_cast<const T*>(call.weight);
    std::int64_t added = 0;
    for (std::int64_t r = 0; r < call.rows; ++r) {
        const NormalRow<T> h{static_cast<const T*>(call.x) + r * n, static_cast<const T*>(call.mean)[r],
                             static_cast<const T*>(call.inverse_std)[r]};
        const T* const g = static_cast<const T*>(call.g) + r * n;
        if (call.dx) {
            T* const dx = static_cast<T*>(call.dx) + r * n;
            weight ? row_gradient<true>(n, h, g, weight, dx) : row_gradient<false>(n, h, g, weight, dx);
        }
        if (r + 1 - added == together) {
            add_gradients<together, T>(n, call, added);
            added += together;
        }
    }
    for (; added < call.rows; ++added) add_gradients<1, T>(n, call, added);
}

}  // namespace

void add_layer_norm(Kernels& table) {
    table.layer_norm[compute_f32] = {normalize_rows<float>, normalize_rows_backward<float>};
    table.layer_norm[compute_f64] = {normalize_rows<double>, normalize_rows_backward<double>};
}

}  // namespace adjoint::cpu::ADJOINT_ISA
