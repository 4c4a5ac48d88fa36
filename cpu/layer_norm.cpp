// Rows brought to mean 0 and variance 1: two passes over the data, sums in double.
#include <cmath>

#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

// A sum of f(0) .. f(n - 1) in a fixed number of lanes.
template <class F> double sum(std::int64_t n, F f) {
    constexpr int lanes = 8;
    double partial[lanes] = {};
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int j = 0; j < lanes; ++j) partial[j] += f(i + j);
    for (int j = 0; i < n; ++i, ++j) partial[j] += f(i);
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int j = 0; j < half; ++j) partial[j] += partial[j + half];
    return partial[0];
}

template <class T> void forward(const Rows& rows, double eps, T* out, T* inverse_stds, const T* in) {
    const std::int64_t n = rows.columns;
    const auto count = static_cast<double>(n);
    for_pieces(rows.rows, 4 * n, [&](std::int64_t r) {
        const T* x = in + r * n;
        T* y = out + r * n;
        const double mean = sum(n, [x](std::int64_t i) { return static_cast<double>(x[i]); }) / count;
        const double square = sum(n, [x, mean](std::int64_t i) {
            const double d = static_cast<double>(x[i]) - mean;
            return d * d;
        });
        const double inverse = 1 / std::sqrt(square / count + eps);
        inverse_stds[r] = static_cast<T>(inverse);
        const T centre = static_cast<T>(mean), scale = static_cast<T>(inverse);
        for (std::int64_t i = 0; i < n; ++i) y[i] = (x[i] - centre) * scale;
    });
}

template <class T>
void backward(const Rows& rows, T* out, const T* upstream, const T* normal, const T* inverse_stds) {
    const std::int64_t n = rows.columns;
    const auto count = static_cast<double>(n);
    for_pieces(rows.rows, 4 * n, [&](std::int64_t r) {
        const T* g = upstream + r * n;
        const T* y = normal + r * n;
        T* dx = out + r * n;
        const auto mean_g =
            static_cast<T>(sum(n, [g](std::int64_t i) { return static_cast<double>(g[i]); }) / count);
        const auto mean_gy = static_cast<T>(
            sum(n, [g, y](std::int64_t i) { return static_cast<double>(g[i]) * static_cast<double>(y[i]); }) /
            count);
        const T scale = inverse_stds[r];
        for (std::int64_t i = 0; i < n; ++i) dx[i] = scale * (g[i] - mean_g - y[i] * mean_gy);
    });
}

}  // namespace

void on(CpuBackend&, const call::LayerNorm& c) {
    if (c.rows.dtype == DType::f64)
        forward(c.rows, c.eps, static_cast<double*>(c.y), static_cast<double*>(c.inverse_std),
                static_cast<const double*>(c.x));
    else
        forward(c.rows, c.eps, static_cast<float*>(c.y), static_cast<float*>(c.inverse_std),
                static_cast<const float*>(c.x));
}

void on(CpuBackend&, const call::LayerNormBackward& c) {
    if (c.rows.dtype == DType::f64)
        backward(c.rows, static_cast<double*>(c.dx), static_cast<const double*>(c.g),
                 static_cast<const double*>(c.y), static_cast<const double*>(c.inverse_std));
    else
        backward(c.rows, static_cast<float*>(c.dx), static_cast<const float*>(c.g),
                 static_cast<const float*>(c.y), static_cast<const float*>(c.inverse_std));
}

}  // namespace adjoint::cpu
