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

#include <adjoint/core/contract/epilogue.h>
#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/thread_pool.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

/// C = beta C + A B with an epilogue: A is m x k, B is k x n, C is m x n with unit column stride. An
/// activation is of C with beta = 0.
template <typename T> struct Gemm {
    std::int64_t m, n, k;
    const T* a;
    std::int64_t a_row, a_column;  // strides in elements: any, a transpose arrives as such
    const T* b;
    std::int64_t b_row, b_column;
    T* c;
    std::int64_t c_row;
    T beta = 0;  // with 0, C is not read
    Epilogue epilogue = {};
};

namespace gemm_detail {

using namespace vectors;

// What happens to a tile's sums on their way into C.
template <typename T> struct TileStore {
    T beta;
    const T* bias;
    bool rectify;
};

// What a kernel does with an element of A and a vector of B, unless it is told otherwise (bf16/gemm.cpp).
template <typename T> struct MultiplyAdd {
    __attribute__((always_inline)) static Vector<T> broadcast(const T* element) {
        return *element - Vector<T>{};
    }
    __attribute__((always_inline)) static Vector<T> add(Vector<T> a, Vector<T> b, Vector<T> sum) {
        return multiply_add(a, b, sum);
    }
};

// How the kernel walks over A: along rows of a tile's column (unit_row, also when packed), or along k.
// One tile of `rows` x `vectors` vectors of C.
template <typename T, int rows, int vectors, bool unit_row, typename Step>
__attribute__((noinline)) void kernel(std::int64_t k, const T* a, std::int64_t a_step, const T* b,
                                      std::int64_t b_step, T* c, std::int64_t c_row, const TileStore<T>& e) {
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
            const V av = Step::broadcast(element);
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) sum[i][j] = Step::add(av, bv[j], sum[i][j]);
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
    if (e.rectify) {
        each([](V & y, const T*, int)
                 __attribute__((always_inline)) { y = y < T(0) ? V{} : y; });  // keeps NaN
    }
    each([](V & y, T * to, int) __attribute__((always_inline)) { store(to, y); });
}

template <typename T>
using Kernel = void (*)(std::int64_t, const T*, std::int64_t, const T*, std::int64_t, T*, std::int64_t,
                        const TileStore<T>&);

// The kernel with the most rows of those left, so that any number of rows is covered by a few kernels.
template <typename T, int vectors, bool unit_row, typename Step, int rows = tile_rows>
Kernel<T> kernel_for(std::int64_t rows_left, int& chosen) {
    if constexpr (rows > 1) {
        constexpr int next = rows > 10 ? 10 : rows > 8 ? 8 : rows > 4 ? 4 : rows / 2;
        if (rows_left < rows) return kernel_for<T, vectors, unit_row, Step, next>(rows_left, chosen);
    }
    chosen = rows;
    return kernel<T, rows, vectors, unit_row, Step>;
}

// Rows of C from one panel of B: kernels one below the other.
template <typename T, int vectors, bool unit_row, typename Step>
void panel(std::int64_t m, std::int64_t k, const T* a, std::int64_t a_row, std::int64_t a_step, const T* b,
           std::int64_t b_step, T* c, std::int64_t c_row, const TileStore<T>& e) {
    for (std::int64_t i = 0; i < m;) {
        int rows = 0;
        const auto run = kernel_for<T, vectors, unit_row, Step>(m - i, rows);
        run(k, a + i * a_row, a_step, b, b_step, c + i * c_row, c_row, e);
        i += rows;
    }
}

// The same for a panel with fewer columns than its vectors hold: by way of a buffer.
template <typename T, int vectors, bool unit_row, typename Step>
void narrow_panel(std::int64_t m, std::int64_t columns, std::int64_t k, const T* a, std::int64_t a_row,
                  std::int64_t a_step, const T* b, std::int64_t b_step, T* c, std::int64_t c_row,
                  const TileStore<T>& e) {
    constexpr int size = vectors * width<T>;
    alignas(64) T tile[tile_rows * size] = {};
    alignas(64) T bias[size] = {};
    const std::size_t bytes = static_cast<std::size_t>(columns) * sizeof(T);
    if (e.bias != nullptr) std::memcpy(bias, e.bias, bytes);
    const TileStore<T> inner{e.beta, e.bias != nullptr ? bias : nullptr, e.rectify};
    for (std::int64_t i = 0; i < m;) {
        int rows = 0;
        const auto run = kernel_for<T, vectors, unit_row, Step>(m - i, rows);
        T* const to = c + i * c_row;
        if (e.beta != T(0)) {
            for (int r = 0; r < rows; ++r) std::memcpy(tile + r * size, to + r * c_row, bytes);
        }
        run(k, a + i * a_row, a_step, b, b_step, tile, size, inner);
        for (int r = 0; r < rows; ++r) std::memcpy(to + r * c_row, tile + r * size, bytes);
        i += rows;
    }
}

// Rows of A as the kernels walk over them: `row` from one to the next; `step` along k where the rows lie side
// by side, else the same as `row`.
template <typename T> struct RowsOfA {
    const T* first;
    std::int64_t row, step;
    bool side_by_side;
};

// Columns of B as the kernels walk over them, no more than a tile has.
template <typename T> struct PanelOfB {
    const T* first;
    std::int64_t step, columns;
};

// m rows of C from k columns of A and a panel of B.
template <typename T, typename Step = MultiplyAdd<T>>
void multiply(std::int64_t m, std::int64_t k, const RowsOfA<T>& a, const PanelOfB<T>& b, T* c,
              std::int64_t c_row, const TileStore<T>& e) {
    constexpr int size = tile_columns<T>;
    const auto run = [&](auto side_by_side) {
        constexpr bool unit = decltype(side_by_side)::value;
        if (b.columns == size)
            panel<T, 2, unit, Step>(m, k, a.first, a.row, a.step, b.first, b.step, c, c_row, e);
        else if (b.columns > size / 2)
            narrow_panel<T, 2, unit, Step>(m, b.columns, k, a.first, a.row, a.step, b.first, b.step, c, c_row,
                                           e);
        else
            narrow_panel<T, 1, unit, Step>(m, b.columns, k, a.first, a.row, a.step, b.first, b.step, c, c_row,
                                           e);
    };
    a.side_by_side ? run(std::true_type{}) : run(std::false_type{});
}

// How a product is cut into blocks that stay in the caches, and which of them are copied on the way.
template <typename T> class Blocking {
  public:
    static constexpr std::int64_t most_rows = 252, most_columns = 2048;

    explicit Blocking(const Gemm<T>& g) : g_(g) {
        // Bytes per element of float and double differ, the caches do not.
        constexpr std::int64_t most_k = std::is_same_v<T, double> ? 200 : 400;
        // Blocks of equal size, in whole vectors, because packing transposes squares of vectors.
        const std::int64_t parts = std::max<std::int64_t>(1, (g.k + most_k - 1) / most_k);
        k_step = round_up((g.k + parts - 1) / parts, width<T>);
        k_blocks = g.k == 0 ? 1 : (g.k + k_step - 1) / k_step;
        // A is read in place when it is contiguous one way and not so often that its rows, far apart, would
        // cost more than a copy. Rows of a tile or two that lie side by side are as good as packed.
        const bool contiguous = g.a_row == 1 || g.a_column == 1;
        const bool narrow = g.a_row == 1 && g.a_column <= 2 * tile_rows;
        packs_a_ = !contiguous || (!narrow && g.n >= (g.a_row == 1 ? 64 : 256));
        const std::int64_t a_rows = round_up(std::min(g.m, most_rows), tile_rows);
        const std::int64_t b_size = round_up(std::min(g.n, most_columns), tile_columns<T>) * k_step;
        const std::int64_t a_size = packs_a_ ? round_up(a_rows * k_step, 64) : 0;
        packed_b_ = static_cast<T*>(scratch(static_cast<std::size_t>(a_size + b_size) * sizeof(T)));
        packed_a_ = packed_b_ + b_size;
    }

    // Brings k rows and n columns of B, from row p and column j on, to where `panel` finds them.
    void take_b(std::int64_t p, std::int64_t k, std::int64_t j, std::int64_t n) {
        constexpr int size = tile_columns<T>;
        b_ = g_.b + p * g_.b_row + j * g_.b_column;
        columns_ = n;
        // A few rows do not pay for copying B.
        packs_b_ = g_.b_column != 1 || g_.m > tile_rows || n % size != 0;
        for (std::int64_t at = 0; packs_b_ && at < n; at += size) {
            T* const to = packed_b_ + at * k_step;
            if (n - at <= size / 2)
                pack<T, size / 2>(to, b_ + at * g_.b_column, g_.b_column, g_.b_row, n - at, k);
            else
                pack<T, size>(to, b_ + at * g_.b_column, g_.b_column, g_.b_row,
                              std::min<std::int64_t>(size, n - at), k);
        }
    }
    PanelOfB<T> panel(std::int64_t at) const {
        constexpr std::int64_t size = tile_columns<T>;
        const std::int64_t columns = std::min(size, columns_ - at);
        if (!packs_b_) return {b_ + at, g_.b_row, columns};
        return {packed_b_ + at * k_step, columns <= size / 2 ? size / 2 : size, columns};
    }

    // The same for m rows and k columns of A, from row i and column p on.
    void take_a(std::int64_t i, std::int64_t m, std::int64_t p, std::int64_t k) {
        a_ = g_.a + i * g_.a_row + p * g_.a_column;
        depth_ = k;
        // Always the full number of rows side by side, so that a tile of fewer rows reads in it too.
        for (std::int64_t at = 0; packs_a_ && at < m; at += tile_rows)
            pack<T, tile_rows>(packed_a_ + at * k, a_ + at * g_.a_row, g_.a_row, g_.a_column,
                               std::min<std::int64_t>(tile_rows, m - at), k);
    }
    // How many of the rows lie as regularly as `rows` says.
    std::int64_t regular_rows(std::int64_t m) const { return packs_a_ ? tile_rows : m; }
    RowsOfA<T> rows(std::int64_t at) const {
        if (packs_a_) return {packed_a_ + at * depth_, 1, tile_rows, true};
        const bool side_by_side = g_.a_row == 1;
        return {a_ + at * g_.a_row, g_.a_row, side_by_side ? g_.a_column : g_.a_row, side_by_side};
    }

    std::int64_t k_step, k_blocks;

  private:
    const Gemm<T>& g_;
    bool packs_a_ = false, packs_b_ = false;
    T *packed_a_ = nullptr, *packed_b_ = nullptr;
    const T *a_ = nullptr, *b_ = nullptr;
    std::int64_t columns_ = 0, depth_ = 0;
};

// The activation of a block of C, where the kernels left it.
template <typename T>
void activate_block(const Gemm<T>& g, std::int64_t i, std::int64_t m, std::int64_t j, std::int64_t n) {
    const T* const sums = static_cast<const T*>(g.epilogue.sums_or(g.c)) + i * g.c_row + j;
    T* const to = g.c + i * g.c_row + j;
    // Whole rows that follow one another are one.
    if (n == g.c_row) return activate(g.epilogue.activation, dtype_of<T>, to, sums, m * n);
    for (std::int64_t r = 0; r < m; ++r)
        activate(g.epilogue.activation, dtype_of<T>, to + r * g.c_row, sums + r * g.c_row, n);
}

// Part of a product on one thread: blocks of k, of columns and of rows, each taken into the caches and
// multiplied panel by panel.
template <typename T> void serial(const Gemm<T>& g) {
    Blocking<T> blocks(g);
    T* const sums = static_cast<T*>(g.epilogue.sums_or(g.c));
    const T* const bias = static_cast<const T*>(g.epilogue.bias);
    for (std::int64_t block = 0; block < blocks.k_blocks; ++block) {
        const std::int64_t p = block * blocks.k_step, k = std::min(blocks.k_step, g.k - p);
        const bool last = block == blocks.k_blocks - 1;
        for (std::int64_t j = 0; j < g.n; j += blocks.most_columns) {
            const std::int64_t n = std::min(blocks.most_columns, g.n - j);
            blocks.take_b(p, k, j, n);
            for (std::int64_t i = 0; i < g.m; i += blocks.most_rows) {
                const std::int64_t m = std::min(blocks.most_rows, g.m - i);
                blocks.take_a(i, m, p, k);
                for (std::int64_t column = 0; column < n; column += tile_columns<T>) {
                    const TileStore<T> store{block == 0 ? g.beta : T(1),
                                             last && bias != nullptr ? bias + j + column : nullptr,
                                             last && rectifies(g.epilogue)};
                    const PanelOfB<T> b = blocks.panel(column);
                    T* const c = sums + i * g.c_row + j + column;
                    const std::int64_t step = blocks.regular_rows(m);
                    for (std::int64_t row = 0; row < m; row += step)
                        multiply(std::min(step, m - row), k, blocks.rows(row), b, c + row * g.c_row, g.c_row,
                                 store);
                }
                if (last && is_left(g.epilogue)) activate_block(g, i, m, j, n);
            }
        }
    }
}

// A product so small that calling kernels would take longer; the same sums in the same order.
template <typename T> void tiny(const Gemm<T>& g) {
    T* const sums = static_cast<T*>(g.epilogue.sums_or(g.c));
    const T* const bias = static_cast<const T*>(g.epilogue.bias);
    for (std::int64_t i = 0; i < g.m; ++i) {
        for (std::int64_t j = 0; j < g.n; ++j) {
            T sum = 0;
            const T* a = g.a + i * g.a_row;
            const T* b = g.b + j * g.b_column;
            for (std::int64_t p = 0; p < g.k; ++p, a += g.a_column, b += g.b_row)
                sum = multiply_add(*a, *b, sum);
            T& c = sums[i * g.c_row + j];
            if (g.beta != T(0)) sum += g.beta * c;
            if (bias != nullptr) sum += bias[j];
            c = rectifies(g.epilogue) && sum < T(0) ? T(0) : sum;
        }
    }
    if (is_left(g.epilogue)) activate_block(g, 0, g.m, 0, g.n);
}

// Parts of C as tasks, run(i, m, j, n) for some rows and columns of it; on several threads where it pays.
template <typename T, typename Run>
void for_parts(std::int64_t m, std::int64_t n, std::int64_t k, const Run& run) {
    constexpr std::int64_t task_work = 4'000'000;  // floating-point operations that pay for a wake-up
    const std::int64_t most_tasks = std::min<std::int64_t>(64, 2 * m * n * k / task_work);
    if (most_tasks < 2 || num_threads() == 1) return run(0, m, 0, n);
    // Columns first: each task then packs its own part of B, and none twice.
    constexpr std::int64_t size = tile_columns<T>;
    const std::int64_t by_columns = std::clamp<std::int64_t>(n / (2 * size), 1, most_tasks);
    const std::int64_t n_step = round_up((n + by_columns - 1) / by_columns, size);
    const std::int64_t n_tasks = (n + n_step - 1) / n_step;
    const std::int64_t by_rows = std::clamp<std::int64_t>(m / (4 * tile_rows), 1, most_tasks / n_tasks);
    const std::int64_t m_step = round_up((m + by_rows - 1) / by_rows, tile_rows);
    const std::int64_t m_tasks = (m + m_step - 1) / m_step;
    parallel_for(n_tasks * m_tasks, [&](std::int64_t task) {
        const std::int64_t i = task / n_tasks * m_step, j = task % n_tasks * n_step;
        run(i, std::min(m_step, m - i), j, std::min(n_step, n - j));
    });
}

}  // namespace gemm_detail

/// C = beta C + A B with an epilogue; on several threads where it pays. With k = 0 the product is 0.
template <typename T> void gemm(const Gemm<T>& g) {
    using namespace gemm_detail;
    if (g.m <= 0 || g.n <= 0) return;
    constexpr std::int64_t tiny_work = 64;  // multiplications that are done before a kernel is called
    if (g.n < width<T> && g.m * g.n * g.k <= tiny_work) return tiny(g);
    for_parts<T>(g.m, g.n, g.k, [&](std::int64_t i, std::int64_t m, std::int64_t j, std::int64_t n) {
        Gemm<T> part = g;
        part.m = m;
        part.n = n;
        part.a += i * g.a_row;
        part.b += j * g.b_column;
        part.c += i * g.c_row + j;
        if (g.epilogue.bias) part.epilogue.bias = static_cast<const T*>(g.epilogue.bias) + j;
        if (g.epilogue.sums) part.epilogue.sums = static_cast<T*>(g.epilogue.sums) + i * g.c_row + j;
        serial(part);
    });
}

}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
