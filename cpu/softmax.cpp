// Softmax and cross entropy over rows.
#include <algorithm>

#include <adjoint/core/base/index_error.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

template <class F> void for_rows(const Rows& rows, F f) {
    constexpr std::int64_t task_elements = 8192;
    const std::int64_t per_task =
        std::max<std::int64_t>(1, task_elements / std::max<std::int64_t>(rows.columns, 1));
    parallel_for((rows.rows + per_task - 1) / per_task, [&](std::int64_t task) {
        for (std::int64_t r = task * per_task; r < std::min(rows.rows, (task + 1) * per_task); ++r) f(r);
    });
}

template <class P> P* at(P* base, std::int64_t element, DType type) {
    using Byte = std::conditional_t<std::is_const_v<P>, const char, char>;
    return static_cast<Byte*>(base) + element * static_cast<std::int64_t>(size_of(type));
}

}  // namespace

void CpuBackend::softmax(const Rows& rows, bool log, void* out, const void* x) {
    const SoftmaxKernel kernel = kernels().softmax[rows.dtype == DType::f64];
    for_rows(rows, [&](std::int64_t r) {
        const std::int64_t first = r * rows.columns;
        kernel(log, at(out, first, rows.dtype), at(x, first, rows.dtype), rows.columns);
    });
}

void CpuBackend::softmax_backward(const Rows& rows, bool log, void* dx, const void* g, const void* y) {
    const SoftmaxBackwardKernel kernel = kernels().softmax_backward[rows.dtype == DType::f64];
    for_rows(rows, [&](std::int64_t r) {
        const std::int64_t first = r * rows.columns;
        kernel(log, at(dx, first, rows.dtype), at(g, first, rows.dtype), at(y, first, rows.dtype),
               rows.columns);
    });
}

void CpuBackend::cross_entropy(const Rows& rows, const CrossEntropy& loss) {
    const CrossEntropyKernel kernel = kernels().cross_entropy[rows.dtype == DType::f64];
    const std::int64_t counted =
        rows.rows - std::count(loss.targets, loss.targets + rows.rows, loss.ignore_index);
    if (rows.dtype == DType::f64)
        *static_cast<double*>(loss.counted) = static_cast<double>(counted);
    else
        *static_cast<float*>(loss.counted) = static_cast<float>(counted);
    const std::size_t row_bytes = static_cast<std::size_t>(rows.columns) * size_of(rows.dtype);
    for_rows(rows, [&](std::int64_t r) {
        const std::int64_t target = loss.targets[r], first = r * rows.columns;
        void* row_loss = at(loss.losses, r, rows.dtype);
        void* row_gradient = loss.gradient ? at(loss.gradient, first, rows.dtype) : nullptr;
        if (target == loss.ignore_index) {
            std::fill_n(static_cast<char*>(row_loss), size_of(rows.dtype), char{0});
            if (row_gradient) std::fill_n(static_cast<char*>(row_gradient), row_bytes, char{0});
            return;
        }
        if (target < 0 || target >= rows.columns) [[unlikely]]
            throw_index_error("cross_entropy", target, r, 0, rows.columns);
        kernel(row_loss, row_gradient, at(loss.logits, first, rows.dtype), target, rows.columns);
    });
}

}  // namespace adjoint::cpu
