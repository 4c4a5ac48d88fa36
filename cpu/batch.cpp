// The samples of a batch and the sums of an epoch.
#include <algorithm>
#include <atomic>
#include <cstring>

#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/thread_pool.h>

namespace adjoint::cpu {
namespace {

// Rows first .. end - 1 of one table.
void take_rows(const CpuBackend& cpu, const call::TakeRows& c, const RowTable& table, std::int64_t first,
               std::int64_t end) {
    const auto in = static_cast<std::int64_t>(size_of(table.table.dtype)) * table.width,
               to = static_cast<std::int64_t>(size_of(table.out.dtype)) * table.width;
    const Compute column = compute_column(table.out.dtype);
    const ConvertKernel convert = cpu.kernels.load[static_cast<std::size_t>(table.table.dtype)][column];
    const functor::ScaleShift scale{table.scale, table.shift};
    const MapKernel map = cpu.kernels.map[UnaryOp(scale).index()][column];
    for (std::int64_t i = first; i < end; ++i) {
        const char* const from = static_cast<const char*>(table.table.data) + c.places[i] * in;
        char* const out = static_cast<char*>(table.out.data) + i * to;
        if (!table.converts()) {
            std::memcpy(out, from, static_cast<std::size_t>(in));
            continue;
        }
        convert(out, from, table.width);
        if (table.out.dtype == DType::f32) map(&scale, out, out, table.width);
    }
}

template <class T> std::int64_t right_rows(const call::Tally& c, std::int64_t first, std::int64_t end) {
    std::int64_t right = 0;
    for (std::int64_t r = first; r < end; ++r) {
        const T* const row = static_cast<const T*>(c.logits) + r * c.rows.columns;
        const std::int64_t target = c.targets[r];
        if (target < 0 || target >= c.rows.columns) continue;
        bool beaten = false;
        for (std::int64_t i = 0; i < c.rows.columns; ++i) beaten |= call::Tally::beats(row, i, target);
        right += !beaten;
    }
    return right;
}

// Calls run(first, end) for rows of so many elements each, as tasks that pay for a wake-up.
template <class Run> void for_rows(std::int64_t rows, std::int64_t width, const Run& run) {
    constexpr std::int64_t task_elements = 1 << 16;
    const std::int64_t together = std::max<std::int64_t>(1, task_elements / std::max<std::int64_t>(1, width));
    parallel_for((rows + together - 1) / together,
                 [&](std::int64_t task) { run(task * together, std::min(rows, (task + 1) * together)); });
}

}  // namespace

void on(CpuBackend& cpu, const call::TakeRows& c) {
    for (std::size_t t = 0; t < c.count; ++t)
        for_rows(c.rows, c.tables[t].width,
                 [&](std::int64_t first, std::int64_t end) { take_rows(cpu, c, c.tables[t], first, end); });
}

void on(CpuBackend&, const call::Tally& c) {
    visit_real(c.mean.dtype, [&]<class T>(T) {
        *c.loss += call::Tally::sum_of(*static_cast<const T*>(c.mean.data), c.rows.rows);
    });
    std::atomic<std::int64_t> right = 0;  // of integers the order does not matter
    visit_real(c.rows.dtype, [&]<class T>(T) {
        for_rows(c.rows.rows, c.rows.columns,
                 [&](std::int64_t first, std::int64_t end) { right += right_rows<T>(c, first, end); });
    });
    *c.right += right;
}

}  // namespace adjoint::cpu
