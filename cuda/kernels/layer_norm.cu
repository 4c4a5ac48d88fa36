// Rows brought to mean 0 and variance 1: two passes over the data, sums in double, as on the CPU.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/row_share.h>

namespace adjoint::cuda_backend {

template <class T>
__global__ void __launch_bounds__(row_threads)
    normalize_each_row(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                       const double eps, T* out, T* inverse_std, const T* in) {
    const RowShare share(rows, columns, lanes);
    const T* x = in + share.row * columns;
    const auto count = static_cast<double>(columns);
    const double mean = fold_row<functor::Sum, double>(
                            share, lanes, [x](std::int64_t i) { return static_cast<double>(x[i]); }) /
                        count;
    const double square = fold_row<functor::Sum, double>(share, lanes, [x, mean](std::int64_t i) {
        const double d = static_cast<double>(x[i]) - mean;
        return d * d;
    });
    const double inverse = 1 / math::sqrt(square / count + eps);
    if (share.exists && share.first == 0) inverse_std[share.row] = static_cast<T>(inverse);
    const T centre = static_cast<T>(mean), scale = static_cast<T>(inverse);
    T* y = out + share.row * columns;
    for (std::int64_t i = share.first; i < share.end; i += lanes) y[i] = (x[i] - centre) * scale;
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    normalize_each_row_backward(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                                T* out, const T* upstream, const T* normal, const T* inverse_std) {
    const RowShare share(rows, columns, lanes);
    const T* g = upstream + share.row * columns;
    const T* y = normal + share.row * columns;
    const auto count = static_cast<double>(columns);
    const T mean_g =
        static_cast<T>(fold_row<functor::Sum, double>(
                           share, lanes, [g](std::int64_t i) { return static_cast<double>(g[i]); }) /
                       count);
    const T mean_gy = static_cast<T>(fold_row<functor::Sum, double>(share, lanes,
                                                                    [g, y](std::int64_t i) {
                                                                        return static_cast<double>(g[i]) *
                                                                               static_cast<double>(y[i]);
                                                                    }) /
                                     count);
    const T scale = share.exists ? inverse_std[share.row] : T(0);
    T* dx = out + share.row * columns;
    for (std::int64_t i = share.first; i < share.end; i += lanes)
        dx[i] = scale * (g[i] - mean_g - y[i] * mean_gy);
}

void on(CudaBackend& cuda, const call::LayerNorm& c) {
    if (c.rows.rows == 0) return;
    const RowLaunch with("layer_norm", c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        launch_rows(cuda.device, "layer_norm", with, &normalize_each_row<T>, c.rows.rows, c.rows.columns,
                    with.lanes, c.eps, static_cast<T*>(c.y), static_cast<T*>(c.inverse_std),
                    static_cast<const T*>(c.x));
    });
}

void on(CudaBackend& cuda, const call::LayerNormBackward& c) {
    if (c.rows.rows == 0) return;
    const RowLaunch with("layer_norm", c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        launch_rows(cuda.device, "layer_norm", with, &normalize_each_row_backward<T>, c.rows.rows,
                    c.rows.columns, with.lanes, static_cast<T*>(c.dx), static_cast<const T*>(c.g),
                    static_cast<const T*>(c.y), static_cast<const T*>(c.inverse_std));
    });
}

}  // namespace adjoint::cuda_backend
