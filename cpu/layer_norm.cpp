// Rows brought to mean 0 and variance 1, then scaled and shifted; and the way back.
#include <algorithm>

#include <adjoint/core/contract/compose.h>
#include <adjoint/cpu/buffer.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

// Rows first .. first + count - 1 of an operand with `columns` elements in each; null stays null.
void* rows_from(const void* x, std::int64_t first, std::int64_t columns, DType type) {
    return x ? static_cast<char*>(const_cast<void*>(x)) +
                   first * columns * static_cast<std::int64_t>(size_of(type))
             : nullptr;
}

const LayerNormKernels& layer_norm_kernels(CpuBackend& cpu, DType type) {
    return cpu.kernels.layer_norm[type == DType::f64 ? compute_f64 : compute_f32];
}

// Rows of one task: what follows from sizes alone decides in which order sums over rows are taken.
std::int64_t task_rows(const Rows& rows) {
    constexpr std::int64_t task_elements = 32768;
    return std::max<std::int64_t>(1, task_elements / std::max<std::int64_t>(rows.columns, 1));
}

template <class F> void for_row_tasks(const Rows& rows, F f) {
    const std::int64_t most = task_rows(rows);
    parallel_for(ceil_div(rows.rows, most),
                 [&](std::int64_t task) { f(task, task * most, std::min(most, rows.rows - task * most)); });
}

}  // namespace

void on(CpuBackend& cpu, const call::LayerNorm& c) {
    const DType type = c.rows.dtype;
    const std::int64_t columns = c.rows.columns;
    for_row_tasks(c.rows, [&](std::int64_t, std::int64_t first, std::int64_t count) {
        layer_norm_kernels(cpu, type).forward({.rows = count,
                                               .columns = columns,
                                               .x = rows_from(c.x, first, columns, type),
                                               .weight = c.weight,
                                               .bias = c.bias,
                                               .eps = c.eps,
                                               .y = rows_from(c.y, first, columns, type),
                                               .mean = rows_from(c.mean, first, 1, type),
                                               .inverse_std = rows_from(c.inverse_std, first, 1, type)});
    });
}

void on(CpuBackend& cpu, const call::LayerNormBackward& c) {
    const DType type = c.rows.dtype;
    const std::int64_t columns = c.rows.columns, tasks = ceil_div(c.rows.rows, task_rows(c.rows));
    // A row of sums over rows for each task, of the weight and behind them of the bias.
    const std::int64_t sums = tasks * columns, bytes = sums * static_cast<std::int64_t>(size_of(type));
    const Buffer<char> of_weight(c.dweight ? bytes : 0), of_bias(c.dbias ? bytes : 0);
    if (c.dweight) std::fill_n(of_weight.data(), bytes, char{0});
    if (c.dbias) std::fill_n(of_bias.data(), bytes, char{0});
    for_row_tasks(c.rows, [&](std::int64_t task, std::int64_t first, std::int64_t count) {
        layer_norm_kernels(cpu, type).backward(
            {.rows = count,
             .columns = columns,
             .g = rows_from(c.g, first, columns, type),
             .x = rows_from(c.x, first, columns, type),
             .mean = rows_from(c.mean, first, 1, type),
             .inverse_std = rows_from(c.inverse_std, first, 1, type),
             .weight = c.weight,
             .dx = rows_from(c.dx, first, columns, type),
             .dweight = c.dweight ? rows_from(of_weight.data(), task, columns, type) : nullptr,
             .dbias = c.dbias ? rows_from(of_bias.data(), task, columns, type) : nullptr});
    });
    const composition::Grid grid(cpu, {1, tasks, columns}, type);
    const auto total = [&](void* to, const Buffer<char>& parts) {
        if (to)
            grid.reduce(functor::Sum{}, {to, type, {}}, grid.dense(parts.data(), type), {false, true, false});
    };
    total(c.dweight, of_weight);
    total(c.dbias, of_bias);
}

}  // namespace adjoint::cpu
