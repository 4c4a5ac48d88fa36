// Softmax and cross entropy over rows.
#include <algorithm>

#include <adjoint/core/base/index_error.h>
#include <adjoint/core/contract/compose.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

template <class F> void for_rows(const Rows& rows, F f) {
    constexpr std::int64_t elements_at_once = 8192;
    const std::int64_t per_task =
        std::max<std::int64_t>(1, elements_at_once / std::max<std::int64_t>(rows.columns, 1));
    parallel_for((rows.rows + per_task - 1) / per_task, [&](std::int64_t task) {
        for (std::int64_t r = task * per_task; r < std::min(rows.rows, (task + 1) * per_task); ++r) f(r);
    });
}

template <class P> P* at(P* base, std::int64_t element, DType type) {
    using Byte = std::conditional_t<std::is_const_v<P>, const char, char>;
    return static_cast<Byte*>(base) + element * static_cast<std::int64_t>(size_of(type));
}

void divide(void* number, DType type, std::int64_t by) {
    if (type == DType::f64)
        *static_cast<double*>(number) /= static_cast<double>(by);
    else
        *static_cast<float*>(number) /= static_cast<float>(by);
}

}  // namespace

void on(CpuBackend& cpu, const call::Softmax& c) {
    const DType type = c.rows.dtype;
    const SoftmaxKernel kernel = cpu.kernels.softmax[type == DType::f64];
    for_rows(c.rows, [&](std::int64_t r) {
        const std::int64_t first = r * c.rows.columns;
        kernel(c.log, at(c.out, first, type), at(c.x, first, type), c.rows.columns);
    });
}

void on(CpuBackend& cpu, const call::SoftmaxBackward& c) {
    const DType type = c.rows.dtype;
    const SoftmaxBackwardKernel kernel = cpu.kernels.softmax_backward[type == DType::f64];
    for_rows(c.rows, [&](std::int64_t r) {
        const std::int64_t first = r * c.rows.columns;
        kernel(c.log, at(c.dx, first, type), at(c.g, first, type), at(c.y, first, type), c.rows.columns);
    });
}

void on(CpuBackend& cpu, const call::CrossEntropy& c) {
    const Rows& rows = c.rows;
    const CrossEntropyKernel kernel = cpu.kernels.cross_entropy[rows.dtype == DType::f64];
    const std::int64_t counted =
        c.mean ? rows.rows - std::count(c.targets, c.targets + rows.rows, c.ignore_index) : 1;
    const std::size_t row_bytes = static_cast<std::size_t>(rows.columns) * size_of(rows.dtype);
    for_rows(rows, [&](std::int64_t r) {
        const std::int64_t target = c.targets[r], first = r * rows.columns;
        void* row_loss = at(c.losses, r, rows.dtype);
        void* row_gradient = c.gradient ? at(c.gradient, first, rows.dtype) : nullptr;
        if (target == c.ignore_index) {
            std::fill_n(static_cast<char*>(row_loss), size_of(rows.dtype), char{0});
            if (row_gradient) std::fill_n(static_cast<char*>(row_gradient), row_bytes, char{0});
            return;
        }
        if (target < 0 || target >= rows.columns) [[unlikely]]
            throw_index_error("cross_entropy", target, r, 0, rows.columns);
        kernel(row_loss, row_gradient, at(c.logits, first, rows.dtype), target, rows.columns, counted);
    });
    if (!c.total) return;
    const composition::Grid losses(cpu, {1, 1, rows.rows}, rows.dtype);
    losses.reduce(functor::Sum{}, {c.total, rows.dtype, {}}, losses.dense(c.losses, rows.dtype),
                  {true, true, true});
    if (c.mean) divide(c.total, rows.dtype, counted);
}

}  // namespace adjoint::cpu
