// What runs along a dimension: scans and sorting.
#include <algorithm>
#include <utility>
#include <vector>

#include <adjoint/core/contract/functors/order.h>
#include <adjoint/cpu/cpu_backend.h>
#include <adjoint/cpu/tasks.h>

namespace adjoint::cpu {
namespace {

// Neighbouring lines are taken together, so that memory is read in whole cache lines.
constexpr std::int64_t lines_together = 64;

template <class T, class Op>
void scan_lines(const Op& op, const Lines& lines, bool reverse, T* out, const T* x) {
    using Total = std::conditional_t<std::is_same_v<T, float>, double, T>;
    const std::int64_t blocks = (lines.inner + lines_together - 1) / lines_together;
    const std::int64_t width = std::min(lines.inner, lines_together);
    for_pieces(lines.outer * blocks, 4 * lines.length * width, [&](std::int64_t piece) {
        const std::int64_t first = piece % blocks * lines_together;
        const std::int64_t count = std::min(lines_together, lines.inner - first);
        const std::int64_t base = piece / blocks * lines.length * lines.inner + first;
        Total totals[lines_together];
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

template <class T>
void sort_rows(const Rows& rows, bool descending, T* values, std::int64_t* indices, const T* x) {
    using Element = std::pair<T, std::int64_t>;
    const std::int64_t n = rows.columns;
    for_pieces(rows.rows, 16 * n, [&](std::int64_t r) {
        std::vector<Element> elements(static_cast<std::size_t>(n));
        for (std::int64_t i = 0; i < n; ++i) elements[static_cast<std::size_t>(i)] = {x[r * n + i], i};
        // The place decides among equals: stable without the memory of a stable sort.
        const auto before = [descending](const Element& a, const Element& b) {
            return sorts_before(a.first, a.second, b.first, b.second, descending);
        };
        std::sort(elements.begin(), elements.end(), before);
        for (std::int64_t i = 0; i < n; ++i) {
            values[r * n + i] = elements[static_cast<std::size_t>(i)].first;
            indices[r * n + i] = elements[static_cast<std::size_t>(i)].second;
        }
    });
}

}  // namespace

void on(CpuBackend&, const call::Scan& c) {
    visit_compute(c.lines.dtype, [&](auto type) {
        using T = decltype(type);
        std::visit(
            [&](const auto& step) {
                scan_lines(step, c.lines, c.reverse, static_cast<T*>(c.out), static_cast<const T*>(c.x));
            },
            c.op);
    });
}

void on(CpuBackend&, const call::Sort& c) {
    visit_compute(c.rows.dtype, [&](auto type) {
        using T = decltype(type);
        sort_rows(c.rows, c.descending, static_cast<T*>(c.values), c.indices, static_cast<const T*>(c.x));
    });
}

}  // namespace adjoint::cpu
