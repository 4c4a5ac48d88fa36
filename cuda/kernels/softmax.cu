// Softmax and cross entropy: a thread, a warp or a block for each row, by the row's length.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/row_share.h>

namespace adjoint::cuda_backend {

template <class T>
__global__ void __launch_bounds__(row_threads)
    softmax_rows(const std::int64_t rows, const std::int64_t columns, const unsigned lanes, const bool log,
                 T* out, const T* in) {
    const RowShare share(rows, columns, lanes);
    const T* x = in + share.row * columns;
    T* y = out + share.row * columns;
    const T top = fold_row<functor::Max, T>(share, lanes, [x](std::int64_t i) { return x[i]; });
    const T total =
        fold_row<functor::Sum, T>(share, lanes, [x, top](std::int64_t i) { return math::exp(x[i] - top); });
    if (log) {
        const T shift = math::log(total);
        for (std::int64_t i = share.first; i < share.end; i += lanes) y[i] = (x[i] - top) - shift;
    } else {
        const T scale = T(1) / total;
        for (std::int64_t i = share.first; i < share.end; i += lanes) y[i] = math::exp(x[i] - top) * scale;
    }
}

template <class T>
__global__ void __launch_bounds__(row_threads)
    softmax_backward_rows(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                          const bool log, T* out, const T* upstream, const T* result) {
    const RowShare share(rows, columns, lanes);
    const T* g = upstream + share.row * columns;
    const T* y = result + share.row * columns;
    T* dx = out + share.row * columns;
    const T total = fold_row<functor::Sum, T>(
        share, lanes, [g, y, log](std::int64_t i) { return log ? g[i] : g[i] * y[i]; });
    for (std::int64_t i = share.first; i < share.end; i += lanes)
        dx[i] = log ? g[i] - math::exp(y[i]) * total : y[i] * (g[i] - total);
}

/// The last block counts the rows that are not ignored; the others have the rows.
template <class T>
__global__ void __launch_bounds__(row_threads)
    cross_entropy_rows(const std::int64_t rows, const std::int64_t columns, const unsigned lanes,
                       const call::CrossEntropy loss, Fault* fault, const char* op) {
    if (blockIdx.x == gridDim.x - 1) {
        std::int64_t counted = 0;
        for (std::int64_t r = threadIdx.x; r < rows; r += blockDim.x)
            counted += loss.targets[r] != loss.ignore_index;
        counted = fold_group<functor::Sum>(counted, blockDim.x);
        if (threadIdx.x == 0) *static_cast<T*>(loss.counted) = static_cast<T>(counted);
        return;
    }
    RowShare share(rows, columns, lanes);
    const std::int64_t target = share.exists ? loss.targets[share.row] : loss.ignore_index;
    bool counts = target != loss.ignore_index;
    if (counts && (target < 0 || target >= columns)) {
        if (share.first == 0) report(fault, op, target, share.row, 0, columns);
        counts = false;
    }
    const std::int64_t all = share.end;
    if (!counts) share.end = 0;
    const T* x = static_cast<const T*>(loss.logits) + share.row * columns;
    const T top = fold_row<functor::Max, T>(share, lanes, [x](std::int64_t i) { return x[i]; });
    const T total =
        fold_row<functor::Sum, T>(share, lanes, [x, top](std::int64_t i) { return math::exp(x[i] - top); });
    if (share.exists && share.first == 0)
        static_cast<T*>(loss.losses)[share.row] = counts ? math::log(total) - (x[target] - top) : T(0);
    if (loss.gradient == nullptr) return;
    T* dx = static_cast<T*>(loss.gradient) + share.row * columns;
    const T scale = T(1) / total;
    for (std::int64_t i = share.first; i < all; i += lanes)
        dx[i] = counts ? math::exp(x[i] - top) * scale - (i == target ? T(1) : T(0)) : T(0);
}

namespace {

const char* const cross_entropy_name = "cross_entropy";

}  // namespace

void on(CudaBackend& cuda, const call::Softmax& c) {
    if (c.rows.rows == 0 || c.rows.columns == 0) return;
    const char* const op = c.log ? "log_softmax" : "softmax";
    const RowLaunch with(op, c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        launch_rows(cuda.device, op, with, &softmax_rows<T>, c.rows.rows, c.rows.columns, with.lanes, c.log,
                    static_cast<T*>(c.out), static_cast<const T*>(c.x));
    });
}

void on(CudaBackend& cuda, const call::SoftmaxBackward& c) {
    if (c.rows.rows == 0 || c.rows.columns == 0) return;
    const char* const op = c.log ? "log_softmax" : "softmax";
    const RowLaunch with(op, c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        launch_rows(cuda.device, op, with, &softmax_backward_rows<T>, c.rows.rows, c.rows.columns, with.lanes,
                    c.log, static_cast<T*>(c.dx), static_cast<const T*>(c.g), static_cast<const T*>(c.y));
    });
}

void on(CudaBackend& cuda, const call::CrossEntropy& c) {
    const RowLaunch with(cross_entropy_name, c.rows);
    visit_real(c.rows.dtype, [&](auto type) {
        launch(cuda.device, cross_entropy_name, &cross_entropy_rows<decltype(type)>,
               dim3(block_count(cross_entropy_name, std::int64_t{with.blocks} + 1)), dim3(with.threads), 0,
               c.rows.rows, c.rows.columns, with.lanes, c, cuda.device.fault, cross_entropy_name);
    });
}

}  // namespace adjoint::cuda_backend
