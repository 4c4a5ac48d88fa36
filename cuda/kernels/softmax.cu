// Softmax and cross entropy: a thread, a warp or a block for each row, by the row's length.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/row_share.h>

namespace adjoint::cuda_backend {

template <class T>
__global__ void __launch_bounds__(row_threads)
    softmax_rows(const std::int64_t rows, const std::int64_t columns, const unsigned lanes, const bool log,
                 T* out, const T* in) {
    wait_for_earlier();
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
    wait_for_earlier();
    const RowShare share(rows, columns, lanes);
    const T* g = upstream + share.row * columns;
    const T* y = result + share.row * columns;
    T* dx = out + share.row * columns;
    const T total = fold_row<functor::Sum, T>(
        share, lanes, [g, y, log](std::int64_t i) { return log ? g[i] : g[i] * y[i]; });
    for (std::int64_t i = share.first; i < share.end; i += lanes)
        dx[i] = log ? g[i] - math::exp(y[i]) * total : y[i] * (g[i] - total);
}

/// How many rows are not ignored, by one block.
ADJOINT_DEVICE std::int64_t count_rows(const call::CrossEntropy& loss) {
    std::int64_t counted = 0;
    for (std::int64_t r = threadIdx.x; r < loss.rows.rows; r += blockDim.x)
        counted += loss.targets[r] != loss.ignore_index;
    return fold_group<functor::Sum>(counted, blockDim.x);
}

/// The loss of the row that the thread takes part in; its gradient is scaled by `share`.
template <class T>
ADJOINT_DEVICE T row_loss(RowShare row, unsigned lanes, const call::CrossEntropy& loss, T share, Fault* fault,
                          const char* op) {
    const std::int64_t columns = loss.rows.columns;
    const std::int64_t target = row.exists ? loss.targets[row.row] : loss.ignore_index;
    bool counts = target != loss.ignore_index;
    if (counts && (target < 0 || target >= columns)) {
        if (row.first == 0) report(fault, op, target, row.row, 0, columns);
        counts = false;
    }
    const std::int64_t all = row.end;
    if (!counts) row.end = 0;
    const T* x = static_cast<const T*>(loss.logits) + row.row * columns;
    const T top = fold_row<functor::Max, T>(row, lanes, [x](std::int64_t i) { return x[i]; });
    const T total =
        fold_row<functor::Sum, T>(row, lanes, [x, top](std::int64_t i) { return math::exp(x[i] - top); });
    if (loss.gradient != nullptr) {
        T* dx = static_cast<T*>(loss.gradient) + row.row * columns;
        const T scale = T(1) / total;
        for (std::int64_t i = row.first; i < all; i += lanes)
            dx[i] = counts ? (math::exp(x[i] - top) * scale - (i == target ? T(1) : T(0))) * share : T(0);
    }
    const T result = counts ? math::log(total) - (x[target] - top) : T(0);
    if (row.exists && row.first == 0) static_cast<T*>(loss.losses)[row.row] = result;
    return row.first == 0 ? result : T(0);
}

constexpr int loss_threads = 1024;

/// All of it by one block.
template <class T>
__global__ void __launch_bounds__(loss_threads)
    cross_entropy_block(const unsigned lanes, const call::CrossEntropy loss, Fault* fault, const char* op) {
    wait_for_earlier();
    const T counted = static_cast<T>(loss.mean ? count_rows(loss) : 1), share = T(1) / counted;
    const std::int64_t at_once = blockDim.x / lanes;
    T sum = T(0);
    for (std::int64_t group = 0; group * at_once < loss.rows.rows; ++group)
        sum += row_loss<T>(RowShare(loss.rows.rows, loss.rows.columns, lanes, group), lanes, loss, share,
                           fault, op);
    sum = fold_group<functor::Sum>(sum, blockDim.x);
    if (threadIdx.x == 0) *static_cast<T*>(loss.total) = sum / counted;
}

/// The same in three launches: the count, the rows, the total.
template <class T>
__global__ void __launch_bounds__(loss_threads) cross_entropy_count(const call::CrossEntropy loss, T* to) {
    wait_for_earlier();
    const std::int64_t counted = count_rows(loss);
    if (threadIdx.x == 0) *to = static_cast<T>(counted);
}
template <class T>
__global__ void __launch_bounds__(row_threads)
    cross_entropy_rows(const unsigned lanes, const call::CrossEntropy loss, const T* counted, Fault* fault,
                       const char* op) {
    wait_for_earlier();
    const T share = counted != nullptr ? T(1) / *counted : T(1);
    row_loss<T>(RowShare(loss.rows.rows, loss.rows.columns, lanes), lanes, loss, share, fault, op);
}
template <class T>
__global__ void __launch_bounds__(loss_threads)
    cross_entropy_total(const call::CrossEntropy loss, const T* counted) {
    wait_for_earlier();
    T sum = T(0);
    for (std::int64_t r = threadIdx.x; r < loss.rows.rows; r += blockDim.x)
        sum += static_cast<const T*>(loss.losses)[r];
    sum = fold_group<functor::Sum>(sum, blockDim.x);
    if (threadIdx.x == 0) *static_cast<T*>(loss.total) = counted != nullptr ? sum / *counted : sum;
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
    const char* const op = cross_entropy_name;
    const RowLaunch with(op, c.rows);
    constexpr std::int64_t most_of_block = 16 * loss_threads;  // threads' shares of rows
    const DeviceState& device = cuda.device;
    visit_real(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        if (c.total && c.rows.rows * with.lanes <= most_of_block) {
            // A row that takes more than a warp takes the block.
            const int threads = with.lanes > warp_size
                                    ? static_cast<int>(with.lanes)
                                    : power_of_two(c.rows.rows * with.lanes, warp_size, loss_threads);
            return launch(device, op, &cross_entropy_block<T>, dim3(1), dim3(static_cast<unsigned>(threads)),
                          0, with.lanes, c, device.fault, op);
        }
        const Scratch memory(cuda.device, c.mean ? sizeof(T) : 0);
        T* const counted = c.mean ? memory.as<T>() : nullptr;
        if (c.mean) launch(device, op, &cross_entropy_count<T>, dim3(1), dim3(loss_threads), 0, c, counted);
        if (c.rows.rows > 0)
            launch(device, op, &cross_entropy_rows<T>, dim3(with.blocks), dim3(with.threads), 0, with.lanes,
                   c, static_cast<const T*>(counted), device.fault, op);
        if (c.total)
            launch(device, op, &cross_entropy_total<T>, dim3(1), dim3(loss_threads), 0, c,
                   static_cast<const T*>(counted));
    });
}

}  // namespace adjoint::cuda_backend
