// Rows brought to mean 0 and variance 1: two passes over the data, sums in double, as on the CPU.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/row_share.h>

namespace adjoint::cuda_backend {

template <class T>
__global__ void __launch_bounds__(row_threads)
    normalize_each_row(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                       const double eps, T* out, T* means, T* inverse_std, const T* in, const T* weight,
                       const T* bias) {
    wait_for_earlier();
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
    const T centre = static_cast<T>(mean), scale = static_cast<T>(inverse);
    if (share.exists && share.first == 0) {
        means[share.row] = centre;
        inverse_std[share.row] = scale;
    }
    T* y = out + share.row * columns;
    for (std::int64_t i = share.first; i < share.end; i += lanes) {
        T h = (x[i] - centre) * scale;
        if (weight) h *= weight[i];
        y[i] = bias ? h + bias[i] : h;
    }
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    normalize_each_row_backward(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                                T* out, const T* upstream, const T* in, const T* means, const T* inverse_std,
                                const T* weight) {
    wait_for_earlier();
    const RowShare share(rows, columns, lanes);
    const T* g = upstream + share.row * columns;
    const T* x = in + share.row * columns;
    const auto count = static_cast<double>(columns);
    const T centre = share.exists ? means[share.row] : T(0),
            scale = share.exists ? inverse_std[share.row] : T(0);
    const auto u = [g, weight](std::int64_t i) { return weight ? g[i] * weight[i] : g[i]; };
    const auto h = [x, centre, scale](std::int64_t i) { return (x[i] - centre) * scale; };
    const T mean_u =
        static_cast<T>(fold_row<functor::Sum, double>(
                           share, lanes, [u](std::int64_t i) { return static_cast<double>(u(i)); }) /
                       count);
    const T mean_uh = static_cast<T>(fold_row<functor::Sum, double>(share, lanes,
                                                                    [u, h](std::int64_t i) {
                                                                        return static_cast<double>(u(i)) *
                                                                               static_cast<double>(h(i));
                                                                    }) /
                                     count);
    T* dx = out + share.row * columns;
    for (std::int64_t i = share.first; i < share.end; i += lanes)
        dx[i] = scale * (u(i) - mean_u - h(i) * mean_uh);
}

void on(CudaBackend& cuda, const call::LayerNorm& c) {
    if (c.rows.rows == 0) return;
    const RowLaunch with("layer_norm", c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        launch_rows(cuda.device, "layer_norm", with, &normalize_each_row<T>, c.rows.rows, c.rows.columns,
                    with.lanes, c.eps, static_cast<T*>(c.y), static_cast<T*>(c.mean),
                    static_cast<T*>(c.inverse_std), static_cast<const T*>(c.x),
                    static_cast<const T*>(c.weight), static_cast<const T*>(c.bias));
    });
}

void on(CudaBackend& cuda, const call::LayerNormBackward& c) {
    if (c.dx && c.rows.rows > 0) {
        const RowLaunch with("layer_norm", c.rows);
        visit_real(c.rows.dtype, [&](auto type) {
            using T = decltype(type);
            launch_rows(cuda.device, "layer_norm", with, &normalize_each_row_backward<T>, c.rows.rows,
                        c.rows.columns, with.lanes, static_cast<T*>(c.dx), static_cast<const T*>(c.g),
                        static_cast<const T*>(c.x), static_cast<const T*>(c.mean),
                        static_cast<const T*>(c.inverse_std), static_cast<const T*>(c.weight));
        });
    }
    // Sums over the rows are reductions.
    if (c.dweight || c.dbias) {
        call::LayerNormBackward sums = c;
        sums.dx = nullptr;
        call::compose(cuda, sums);
    }
}

}  // namespace adjoint::cuda_backend
