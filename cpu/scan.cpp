// Scans along a dimension: one after the other within a line, several lines side by side.
#include <algorithm>
#include <type_traits>

#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

template <class T> using ScanTotal = std::conditional_t<std::is_same_v<T, float>, double, T>;

// Lines whose neighbours are adjacent are taken together, so that memory is read in whole cache lines.
template <class T, class Op>
void scan_neighbours(const Op& op, const Lines& lines, bool reverse, T* out, const T* x) {
    constexpr std::int64_t together = 64;
    using Total = ScanTotal<T>;
    const std::int64_t blocks = ceil_div(lines.inner, together), width = std::min(lines.inner, together);
    for_pieces(lines.outer * blocks, 4 * lines.length * width, [&](std::int64_t piece) {
        const std::int64_t first = piece % blocks * together;
        const std::int64_t count = std::min(together, lines.inner - first);
        const std::int64_t base = piece / blocks * lines.length * lines.inner + first;
        Total totals[together];
        for (std::int64_t j = 0; j < count; ++j) totals[j] = Op::template start<Total>();
        for (std::int64_t i = 0; i < lines.length; ++i) {
            const std::int64_t at = base + (reverse ? lines.length - 1 - i : i) * lines.inner;
            for (std::int64_t j = 0; j < count; ++j) {
                totals[j] = op.template value<Total>(totals[j], static_cast<Total>(x[at + j]));
                out[at + j] = static_cast<T>(totals[j]);
            }
        }
    });
}

// `together` dense rows of n: each addition waits for the one before, so that of other
// rows is done meanwhile.
template <int together, class T, class Op>
void scan_dense_rows(const Op& op, std::int64_t n, bool reverse, T* out, const T* x) {
    using Total = ScanTotal<T>;
    Total totals[together];
    for (int j = 0; j < together; ++j) totals[j] = Op::template start<Total>();
    const auto step = [&](std::int64_t i) __attribute__((always_inline)) {
#pragma GCC unroll 8
        for (int j = 0; j < together; ++j) {
            totals[j] = op.template value<Total>(totals[j], static_cast<Total>(x[j * n + i]));
            out[j * n + i] = static_cast<T>(totals[j]);
        }
    };
    if (reverse)
        for (std::int64_t i = n - 1; i >= 0; --i) step(i);
    else
        for (std::int64_t i = 0; i < n; ++i) step(i);
}

template <class T, class Op>
void scan_rows(const Op& op, const Lines& lines, bool reverse, T* out, const T* x) {
    constexpr int together = 8;
    const std::int64_t n = lines.length;
    if constexpr (std::is_same_v<T, float> && std::is_same_v<Op, functor::Sum>) {
        const RunningSumsKernel kernel = kernels().running_sums[reverse];
        return for_pieces(lines.outer, 4 * n,
                          [&](std::int64_t row) { kernel(out + row * n, x + row * n, n); });
    }
    for_pieces(ceil_div(lines.outer, together), 4 * n * together, [&](std::int64_t piece) {
        std::int64_t row = piece * together;
        if (row + together <= lines.outer)
            return scan_dense_rows<together>(op, n, reverse, out + row * n, x + row * n);
        for (; row < lines.outer; ++row) scan_dense_rows<1>(op, n, reverse, out + row * n, x + row * n);
    });
}

}  // namespace

void on(CpuBackend&, const call::Scan& c) {
    visit_compute(c.lines.dtype, [&](auto type) {
        using T = decltype(type);
        T* const out = static_cast<T*>(c.out);
        const T* const x = static_cast<const T*>(c.x);
        std::visit(
            [&](const auto& step) {
                c.lines.inner == 1 ? scan_rows(step, c.lines, c.reverse, out, x)
                                   : scan_neighbours(step, c.lines, c.reverse, out, x);
            },
            c.op);
    });
}

}  // namespace adjoint::cpu
