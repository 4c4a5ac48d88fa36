// Products of bf16 by the instruction that multiplies pairs, two neighbours along k of each operand, and adds
// them up in f32. Compiled for level v4 with AVX512-BF16 besides, and used where the processor has that.
//
// A pair is four bytes, so tiles, panels and kernels are those of f32 (gemm.h), of half as many k. Numbers
// below the smallest normal one count as zero, which is how the instruction takes and gives them.
#include <adjoint/cpu/gemm.h>
#include <adjoint/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace gemm_detail;

// Where the compiler thinks of a float there are two numbers of bf16.
struct MultiplyPairs {
    __attribute__((always_inline)) static Vector<float> broadcast(const float* pair) {
        std::int32_t bits;
        std::memcpy(&bits, pair, sizeof bits);
        return reinterpret_cast<Vector<float>>(_mm512_set1_epi32(bits));
    }
    __attribute__((always_inline)) static Vector<float> add(Vector<float> a, Vector<float> b,
                                                            Vector<float> sum) {
        return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
    }
};

// Lines of bf16, `line` elements from one to the next, `along` from one number of a line to the next.
struct Lines {
    const std::uint16_t* first;
    std::int64_t line, along, count, k;
};

// Pair p of line i, zeros behind the last line and in the place of the second number of an odd k.
void put_pair(float* to, const Lines& lines, std::int64_t i, std::int64_t p) {
    std::uint32_t bits = 0;
    if (i < lines.count) {
        const std::uint16_t* const at = lines.first + i * lines.line + 2 * p * lines.along;
        bits = at[0] | (2 * p + 1 < lines.k ? std::uint32_t{at[lines.along]} << 16 : 0);
    }
    std::memcpy(to, &bits, sizeof bits);
}

using Words __attribute__((vector_size(vector_bytes))) = std::uint32_t;

__attribute__((always_inline)) inline Words words_at(const std::uint16_t* from) {
    typedef std::uint16_t Halves __attribute__((vector_size(vector_bytes / 2)));
    Halves halves;
    std::memcpy(&halves, from, sizeof halves);
    return __builtin_convertvector(halves, Words);
}

// vectors::pack of pairs: to[p * size + line], the rest of the lines and the second of an odd k being 0.
template <int size> void pack_pairs(float* to, const Lines& lines) {
    constexpr int w = width<float>;
    const std::int64_t pairs = (lines.k + 1) / 2, whole = lines.k / 2;
    std::int64_t p = 0;
    if (lines.along == 1) {
        // Pairs lie in memory as they are.
        for (; p + w <= whole; p += w) {
            for (int first = 0; first < size; first += w) {
                Vector<float> v[w];
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) {
                    v[i] = Vector<float>{};
                    if (first + i < lines.count)
                        std::memcpy(&v[i], lines.first + (first + i) * lines.line + 2 * p, sizeof v[i]);
                }
                transpose<float>(v);
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i)
                    std::memcpy(to + (p + i) * size + first, &v[i],
                                static_cast<std::size_t>(std::min(w, size - first)) * sizeof(float));
            }
        }
    } else if (lines.line == 1) {
        // Two rows of neighbours, one number of each in turn.
        const int full = static_cast<int>(lines.count) / w * w;
        for (; p < whole; ++p) {
            const std::uint16_t* const at = lines.first + 2 * p * lines.along;
            int i = 0;
            for (; i < full; i += w) {
                const Words both = words_at(at + i) | words_at(at + lines.along + i) << 16;
                std::memcpy(to + p * size + i, &both, sizeof both);
            }
            for (; i < size; ++i) put_pair(to + p * size + i, lines, i, p);
        }
    }
    for (; p < pairs; ++p)
        for (int i = 0; i < size; ++i) put_pair(to + p * size + i, lines, i, p);
}

// A part of C on one thread: all of B for some columns is packed, then C for some rows is summed up in f32,
// block of k by block of k, and rounded once.
class Part {
  public:
    Part(const GemmCall& g, std::int64_t rows, std::int64_t columns)
        : g_(g),
          row_block_(std::min(rows, most_rows)),
          column_block_(round_up(std::min(columns, most_columns), size)) {
        const std::int64_t blocks = std::max<std::int64_t>(1, (g.k + most_k - 1) / most_k);
        k_step_ = std::max<std::int64_t>(2, round_up((g.k + blocks - 1) / blocks, 2 * width<float>));
        const std::int64_t b_size = column_block_ * round_up(g.k, 2) / 2,
                           a_size = round_up(round_up(row_block_, tile_rows) * k_step_ / 2, 16);
        const std::int64_t all = b_size + a_size + (1 + row_block_) * column_block_;
        b_ = static_cast<float*>(scratch(static_cast<std::size_t>(all) * sizeof(float)));
        a_ = b_ + b_size;
        bias_ = a_ + a_size;
        sums_ = bias_ + column_block_;
    }

    void run(std::int64_t first_row, std::int64_t rows, std::int64_t first_column,
             std::int64_t columns) const {
        for (std::int64_t j = 0; j < columns; j += most_columns) {
            const std::int64_t column = first_column + j, n = std::min(most_columns, columns - j);
            pack_b(column, n);
            for (std::int64_t i = 0; i < rows; i += most_rows)
                block(first_row + i, std::min(most_rows, rows - i), column, n);
        }
    }

  private:
    static constexpr std::int64_t most_k = 800, most_rows = 252, most_columns = 512;
    static constexpr int size = tile_columns<float>;

    std::int64_t depth(std::int64_t p) const { return std::min(k_step_, g_.k - p); }
    static std::int64_t pairs(std::int64_t k) { return (k + 1) / 2; }
    // The panel of B that begins with row p and the given column of the block.
    float* panel(std::int64_t p, std::int64_t at) const {
        return b_ + p / 2 * column_block_ + at * pairs(depth(p));
    }

    void pack_b(std::int64_t column, std::int64_t n) const {
        for (std::int64_t p = 0; p < g_.k; p += k_step_)
            for (std::int64_t at = 0; at < n; at += size)
                pack_pairs<size>(panel(p, at),
                                 {bits(g_.b) + p * g_.b_row + (column + at) * g_.b_column, g_.b_column,
                                  g_.b_row, std::min<std::int64_t>(size, n - at), depth(p)});
        if (g_.epilogue.bias) kernels().load[type][compute_f32](bias_, bits(g_.epilogue.bias) + column, n);
    }
    void block(std::int64_t row, std::int64_t m, std::int64_t column, std::int64_t n) const {
        for (std::int64_t p = 0; p == 0 || p < g_.k; p += k_step_) {
            const std::int64_t half = pairs(depth(p));
            for (std::int64_t r = 0; r < m; r += tile_rows)
                pack_pairs<tile_rows>(a_ + r * half,
                                      {bits(g_.a) + (row + r) * g_.a_row + p * g_.a_column, g_.a_row,
                                       g_.a_column, std::min<std::int64_t>(tile_rows, m - r), depth(p)});
            const bool has_bias = g_.epilogue.bias && p + k_step_ >= g_.k;
            for (std::int64_t at = 0; at < n; at += size) {
                const TileStore<float> store{p == 0 ? 0.0F : 1.0F, has_bias ? bias_ + at : nullptr, false};
                const PanelOfB<float> b{panel(p, at), size, std::min<std::int64_t>(size, n - at)};
                for (std::int64_t r = 0; r < m; r += tile_rows)
                    multiply<float, MultiplyPairs>(std::min<std::int64_t>(tile_rows, m - r), half,
                                                   {a_ + r * half, 1, tile_rows, true}, b,
                                                   sums_ + r * column_block_ + at, column_block_, store);
            }
        }
        std::uint16_t* const to = static_cast<std::uint16_t*>(g_.c) + row * g_.c_row + column;
        for (std::int64_t r = 0; r < m; ++r)
            kernels().store[type][compute_f32](to + r * g_.c_row, sums_ + r * column_block_, n);
    }

    static constexpr auto type = static_cast<std::size_t>(DType::bf16);
    static const std::uint16_t* bits(const void* x) { return static_cast<const std::uint16_t*>(x); }

    const GemmCall& g_;
    const std::int64_t row_block_, column_block_;
    std::int64_t k_step_;
    float *b_, *a_, *bias_, *sums_;
};

void product(const GemmCall& g) {
    if (g.m <= 0 || g.n <= 0) return;
    for_parts<float>(g.m, g.n, g.k, [&](std::int64_t i, std::int64_t m, std::int64_t j, std::int64_t n) {
        Part(g, m, n).run(i, m, j, n);
    });
}

}  // namespace

void fill(Kernels& table) { table.gemm_bf16 = product; }

}  // namespace adjoint::cpu::ADJOINT_ISA
