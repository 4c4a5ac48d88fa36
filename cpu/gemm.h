// The matrix product, compiled once per instruction set (vectors.h).
//
// The tile of C that a kernel holds in registers takes a vector of B and one element of A at a time. Each
// element of C is summed over k in ascending order, in blocks whose bounds depend on k alone: neither the
// threads nor the tile an element falls into change its bits.
// source: Goto and van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34, 2008.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/thread_pool.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

/// C = beta C + A B + bias, then relu: A is m x k, B is k x n, C is m x n with unit column
/// stride, bias has n elements.
template <typename T> struct Gemm {
    std::int64_t m, n, k;
    const T* a;
    std::int64_t a_row, a_column;  // strides in elements: any, a transpose arrives as such
    const T* b;
    std::int64_t b_row, b_column;
    T* c;
    std::int64_t c_row;
    T beta = 0;  // with 0, C is not read
    const T* bias = nullptr;
    bool relu = false;
};

namespace gemm_detail {

using namespace vectors;

// What happens to a tile's sums on their way into C.
template <typename T> struct Epilogue {
    T beta;
    const T* bias;
    bool relu;
};

// How the kernel walks over A: along rows of a tile's column (unit_row, also when packed), or along k.
// One tile of `rows` x `vectors` vectors of C.
template <typename T, int rows, int vectors, bool unit_row>
__attribute__((noinline)) void kernel(std::int64_t k, const T* a, std::int64_t a_step, const T* b,
                                      std::int64_t b_step, T* c, std::int64_t c_row, const Epilogue<T>& e) {
    using V = Vector<T>;
    V sum[rows][vectors] = {};
    const RowSteps<T, unit_row ? 1 : rows> steps(a_step);  // NOLINT(bugprone-branch-clone): rows may be 1
    // The lines of C, so that they are near when the sums are ready.
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) __builtin_prefetch(c + i * c_row + j * width<T>, 1);
    }
    for (std::int64_t p = 0; p < k; ++p) {
        V bv[vectors];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) bv[j] = load(b + j * width<T>);
#pragma GCC unroll 14
        for (int i = 0; i < rows; ++i) {
            const T* const element = unit_row ? a + i : steps.at(a, i);
            const V av = *element - V{};
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(av, bv[j], sum[i][j]);
        }
        a += unit_row ? a_step : 1;
        b += b_step;
    }
    // One decision for the whole tile, which stays in registers meanwhile.
    const auto each = [&](auto change) __attribute__((always_inline)) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) change(sum[i][j], c + i * c_row + j * width<T>, j);
        }
    };
    if (e.beta == T(1)) {
        each([](V & y, const T* to, int) __attribute__((always_inline)) { y += load(to); });
    } else if (e.beta != T(0)) {
        each([&](V & y, const T* to, int) __attribute__((always_inline)) { y += e.beta * load(to); });
    }
    if (e.bias != nullptr) {
        each([&](V & y, const T*, int j)
                 __attribute__((always_inline)) { y += load(e.bias + j * width<T>); });
    }
    if (e.relu) {
        each([](V & y, const T*, int)
                 __attribute__((always_inline)) { y = y < T(0) ? V{} : y; });  // keeps NaN
    }
    each([](V & y, T * to, int) __attribute__((always_inline)) { store(to, y); });
}

template <typename T>
using Kernel = void (*)(std::int64_t, const T*, std::int64_t, const T*, std::int64_t, T*, std::int64_t,
                        const Epilogue<T>&);

// The kernel with the most rows of those left, so that any number of rows is covered by a few kernels.
template <typename T, int vectors, bool unit_row, int rows = tile_rows>
Kernel<T> kernel_for(std::int64_t rows_left, int& chosen) {
    if constexpr (rows > 1) {
        constexpr int next = rows > 10 ? 10 : rows > 8 ? 8 : rows > 4 ? 4 : rows / 2;
        if (rows_left < rows) return kernel_for<T, vectors, unit_row, next>(rows_left, chosen);
    }
    chosen = rows;
    return kernel<T, rows, vectors, unit_row>;
}

// Rows of C from one panel of B: kernels one below the other.
template <typename T, int vectors, bool unit_row>
void panel(std::int64_t m, std::int64_t k, const T* a, std::int64_t a_row, std::int64_t a_step, const T* b,
           std::int64_t b_step, T* c, std::int64_t c_row, const Epilogue<T>& e) {
    for (std::int64_t i = 0; i < m;) {
        int rows = 0;
        const auto run = kernel_for<T, vectors, unit_row>(m - i, rows);
        run(k, a + i * a_row, a_step, b, b_step, c + i * c_row, c_row, e);
        i += rows;
    }
}

// The same for a panel with fewer columns than its vectors hold: by way of a buffer.
template <typename T, int vectors, bool unit_row>
void narrow_panel(std::int64_t m, std::int64_t columns, std::int64_t k, const T* a, std::int64_t a_row,
                  std::int64_t a_step, const T* b, std::int64_t b_step, T* c, std::int64_t c_row,
                  const Epilogue<T>& e) {
    constexpr int size = vectors * width<T>;
    alignas(64) T tile[tile_rows * size] = {};
    alignas(64) T bias[size] = {};
    const std::size_t bytes = static_cast<std::size_t>(columns) * sizeof(T);
    if (e.bias != nullptr) std::memcpy(bias, e.bias, bytes);
    const Epilogue<T> inner{e.beta, e.bias != nullptr ? bias : nullptr, e.relu};
    for (std::int64_t i = 0; i < m;) {
        int rows = 0;
        const auto run = kernel_for<T, vectors, unit_row>(m - i, rows);
        T* const to = c + i * c_row;
        if (e.beta != T(0)) {
            for (int r = 0; r < rows; ++r) std::memcpy(tile + r * size, to + r * c_row, bytes);
        }
        run(k, a + i * a_row, a_step, b, b_step, tile, size, inner);
        for (int r = 0; r < rows; ++r) std::memcpy(to + r * c_row, tile + r * size, bytes);
        i += rows;
    }
}

// Part of a product on one thread: the blocks of k, of columns and of rows that stay in the caches.
template <typename T> void serial(const Gemm<T>& g) {
    constexpr int size = tile_columns<T>;
    // Bytes per element of float and double differ, the caches do not.
    constexpr std::int64_t scale = std::is_same_v<T, double> ? 2 : 1;
    constexpr std::int64_t most_k = 400 / scale;
    constexpr std::int64_t most_rows = 252;
    constexpr std::int64_t most_columns = 2048;
    // Blocks of equal size, in whole vectors, because packing transposes squares of vectors.
    const std::int64_t parts = std::max<std::int64_t>(1, (g.k + most_k - 1) / most_k);
    const std::int64_t k_step = round_up((g.k + parts - 1) / parts, width<T>);
    const std::int64_t k_blocks = g.k == 0 ? 1 : (g.k + k_step - 1) / k_step;
    // A is read in place when it is contiguous one way and not so often that its rows, far apart, would cost
    // more than a copy. Rows of a tile or two that lie side by side are as good as packed.
    const bool a_contiguous = g.a_row == 1 || g.a_column == 1;
    const bool a_narrow = g.a_row == 1 && g.a_column <= 2 * tile_rows;
    const bool pack_a = !a_contiguous || (!a_narrow && g.n >= (g.a_row == 1 ? 64 : 256));
    const std::int64_t a_rows = round_up(std::min(g.m, most_rows), tile_rows);
    const std::int64_t b_columns = round_up(std::min(g.n, most_columns), size);
    const auto a_bytes = static_cast<std::size_t>(pack_a ? round_up(a_rows * k_step, 64) : 0) * sizeof(T);
    const auto b_bytes = static_cast<std::size_t>(b_columns * k_step) * sizeof(T);
    T* const b_packed = static_cast<T*>(scratch(a_bytes + b_bytes));
    T* const a_packed = b_packed + b_columns * k_step;

    for (std::int64_t block = 0; block < k_blocks; ++block) {
        const std::int64_t p = block * k_step;
        const std::int64_t k = std::min(k_step, g.k - p);
        const bool last = block == k_blocks - 1;
        for (std::int64_t j0 = 0; j0 < g.n; j0 += most_columns) {
            const std::int64_t n = std::min(most_columns, g.n - j0);
            // A few rows do not pay for copying B.
            const bool pack_b = g.b_column != 1 || g.m > tile_rows || n % size != 0;
            if (pack_b) {
                for (std::int64_t j = 0; j < n; j += size) {
                    const T* const from = g.b + p * g.b_row + (j0 + j) * g.b_column;
                    T* const to = b_packed + j * k_step;
                    if (n - j <= size / 2) {
                        pack<T, size / 2>(to, from, g.b_column, g.b_row, n - j, k);
                    } else {
                        pack<T, size>(to, from, g.b_column, g.b_row, std::min<std::int64_t>(size, n - j), k);
                    }
                }
            }
            for (std::int64_t i0 = 0; i0 < g.m; i0 += most_rows) {
                const std::int64_t m = std::min(most_rows, g.m - i0);
                const T* a = g.a + i0 * g.a_row + p * g.a_column;
                std::int64_t a_row = g.a_row;
                std::int64_t a_step = g.a_row == 1 ? g.a_column : g.a_row;
                bool unit_row = g.a_row == 1;
                if (pack_a) {
                    // Always the full number of rows side by side, so that a tile
                    // of fewer rows reads in it too.
                    for (std::int64_t i = 0; i < m; i += tile_rows) {
                        pack<T, tile_rows>(a_packed + i * k, a + i * g.a_row, g.a_row, g.a_column,
                                           std::min<std::int64_t>(tile_rows, m - i), k);
                    }
                }
                for (std::int64_t j = 0; j < n; j += size) {
                    const std::int64_t columns = std::min<std::int64_t>(size, n - j);
                    const Epilogue<T> e{block == 0 ? g.beta : T(1),
                                        last && g.bias != nullptr ? g.bias + j0 + j : nullptr,
                                        last && g.relu};
                    const bool half = columns <= size / 2;
                    const T* const b = pack_b ? b_packed + j * k_step : g.b + p * g.b_row + j0 + j;
                    const std::int64_t b_step = pack_b ? (half ? size / 2 : size) : g.b_row;
                    T* const c = g.c + i0 * g.c_row + j0 + j;
                    const auto run = [&](std::int64_t rows, const T* from, T* to) {
                        const bool full = columns == (half ? size / 2 : size);
                        if (full && !half) {
                            unit_row
                                ? panel<T, 2, true>(rows, k, from, a_row, a_step, b, b_step, to, g.c_row, e)
                                : panel<T, 2, false>(rows, k, from, a_row, a_step, b, b_step, to, g.c_row, e);
                        } else if (!half) {
                            unit_row ? narrow_panel<T, 2, true>(rows, columns, k, from, a_row, a_step, b,
                                                                b_step, to, g.c_row, e)
                                     : narrow_panel<T, 2, false>(rows, columns, k, from, a_row, a_step, b,
                                                                 b_step, to, g.c_row, e);
                        } else {
                            unit_row ? narrow_panel<T, 1, true>(rows, columns, k, from, a_row, a_step, b,
                                                                b_step, to, g.c_row, e)
                                     : narrow_panel<T, 1, false>(rows, columns, k, from, a_row, a_step, b,
                                                                 b_step, to, g.c_row, e);
                        }
                    };
                    if (!pack_a) {
                        run(m, a, c);
                        continue;
                    }
                    unit_row = true;
                    a_row = 1;
                    a_step = tile_rows;
                    for (std::int64_t i = 0; i < m; i += tile_rows) {
                        run(std::min<std::int64_t>(tile_rows, m - i), a_packed + i * k, c + i * g.c_row);
                    }
                }
            }
        }
    }
}

// A product so small that calling kernels would take longer; the same sums in the same order.
template <typename T> void tiny(const Gemm<T>& g) {
    for (std::int64_t i = 0; i < g.m; ++i) {
        for (std::int64_t j = 0; j < g.n; ++j) {
            T sum = 0;
            const T* a = g.a + i * g.a_row;
            const T* b = g.b + j * g.b_column;
            for (std::int64_t p = 0; p < g.k; ++p, a += g.a_column, b += g.b_row)
                sum = multiply_add(*a, *b, sum);
            T& c = g.c[i * g.c_row + j];
            if (g.beta != T(0)) sum += g.beta * c;
            if (g.bias != nullptr) sum += g.bias[j];
            c = g.relu && sum < T(0) ? T(0) : sum;
        }
    }
}

}  // namespace gemm_detail

/// C = beta C + A B + bias, then relu; on several threads where it pays. With k = 0 the product is 0.
template <typename T> void gemm(const Gemm<T>& g) {
    using namespace gemm_detail;
    if (g.m <= 0 || g.n <= 0) return;
    constexpr std::int64_t tiny_work = 64;  // multiplications that are done before a kernel is called
    if (g.n < width<T> && g.m * g.n * g.k <= tiny_work) return tiny(g);
    constexpr std::int64_t task_work = 4'000'000;  // floating-point operations that pay for a wake-up
    const std::int64_t most_tasks = std::min<std::int64_t>(64, 2 * g.m * g.n * g.k / task_work);
    if (most_tasks < 2 || num_threads() == 1) {
        serial(g);
        return;
    }
    // Columns first: each task then packs its own part of B, and none twice.
    constexpr std::int64_t size = tile_columns<T>;
    const std::int64_t by_columns = std::clamp<std::int64_t>(g.n / (2 * size), 1, most_tasks);
    const std::int64_t n_step = round_up((g.n + by_columns - 1) / by_columns, size);
    const std::int64_t n_tasks = (g.n + n_step - 1) / n_step;
    const std::int64_t by_rows = std::clamp<std::int64_t>(g.m / (4 * tile_rows), 1, most_tasks / n_tasks);
    const std::int64_t m_step = round_up((g.m + by_rows - 1) / by_rows, tile_rows);
    const std::int64_t m_tasks = (g.m + m_step - 1) / m_step;
    parallel_for(n_tasks * m_tasks, [&](std::int64_t task) {
        const std::int64_t i = task / n_tasks * m_step;
        const std::int64_t j = task % n_tasks * n_step;
        Gemm<T> part = g;
        part.m = std::min(m_step, g.m - i);
        part.n = std::min(n_step, g.n - j);
        part.a += i * g.a_row;
        part.b += j * g.b_column;
        part.c += i * g.c_row + j;
        if (g.bias != nullptr) part.bias += j;
        serial(part);
    });
}

}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
