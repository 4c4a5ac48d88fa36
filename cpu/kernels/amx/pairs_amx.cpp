// Products of bf16 by AMX: registers are tiles of 16 rows of 64 bytes, and an instruction multiplies 16 rows
// of A by 16 columns of B over 16 pairs and adds to 16 x 16 sums in f32.
//
// A row of a tile of A has 16 pairs along k, one of B a pair of each of 16 columns. Numbers below the
// smallest normal one count as zero, which is how the instruction takes and gives them.
// source: Intel, Architecture Instruction Set Extensions Programming Reference, chapter AMX, TDPBF16PS.
#include <adjoint/cpu/pairs.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;

constexpr std::int64_t side = 16, words = side * side, block = 2 * side;  // 2 x 2 tiles of sums

// What the tile registers are: eight alike.
struct alignas(64) Configuration {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {side, side, side, side, side, side, side, side};
};

// Tiles of 16 rows by 16 pairs, two for every 16 pairs: the first half of the rows and the second.
void pack_rows(std::uint32_t* to, const PairLines& lines, std::int64_t count) {
    for (std::int64_t p = 0; p < count; p += side) {
        for (std::int64_t i = 0; i < block; i += side, to += words) {
            if (lines.along == 1 && 2 * (p + side) <= lines.k) {
                for (std::int64_t r = 0; r < side; ++r) {
                    Vector<float> line{};
                    if (i + r < lines.count)
                        std::memcpy(&line, lines.first + (i + r) * lines.line + 2 * p, sizeof line);
                    std::memcpy(to + r * side, &line, sizeof line);
                }
            } else if (lines.line == 1 && i + side <= lines.count && 2 * (p + side) <= lines.k) {
                Vector<float> v[side];
#pragma GCC unroll 16
                for (int r = 0; r < side; ++r)
                    v[r] = reinterpret_cast<Vector<float>>(pairs::pairs_of_lines(lines, i, p + r));
                transpose<float>(v);
#pragma GCC unroll 16
                for (int r = 0; r < side; ++r) std::memcpy(to + r * side, &v[r], sizeof v[r]);
            } else {
                for (std::int64_t r = 0; r < side; ++r)
                    for (std::int64_t q = 0; q < side; ++q)
                        to[r * side + q] = pairs::pair_at(lines, i + r, p + q);
            }
        }
    }
}
void pack_columns(std::uint32_t* to, const PairLines& lines, std::int64_t count) {
    pairs::pack_side_by_side<block>(to, lines, count);
}

// Begins sums of one or two tiles below and beside one another, or adds to them. Registers 0 to 3 are sums,
// 4 and 5 of A, which passes the first cache by, 6 and 7 of B, which stays in it.
template <bool begins, bool two_rows, bool two_columns>
void tiles(std::int64_t count, const std::uint32_t* a, const std::uint32_t* b, float* sums) {
    constexpr std::size_t sums_step = block * sizeof(float), b_step = block * sizeof(std::uint32_t),
                          a_step = side * sizeof(std::uint32_t);
    if constexpr (begins) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, sums, sums_step);
        if constexpr (two_columns) _tile_loadd(1, sums + side, sums_step);
        if constexpr (two_rows) _tile_loadd(2, sums + side * block, sums_step);
        if constexpr (two_rows && two_columns) _tile_loadd(3, sums + side * block + side, sums_step);
    }
    for (std::int64_t p = 0; p < count; p += side, a += 2 * words, b += 2 * words) {
        _tile_stream_loadd(4, a, a_step);
        _tile_loadd(6, b, b_step);
        if constexpr (two_columns) _tile_loadd(7, b + side, b_step);
        if constexpr (two_rows) _tile_stream_loadd(5, a + words, a_step);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (two_columns) _tile_dpbf16ps(1, 4, 7);
        if constexpr (two_rows) _tile_dpbf16ps(2, 5, 6);
        if constexpr (two_rows && two_columns) _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, sums, sums_step);
    if constexpr (two_columns) _tile_stored(1, sums + side, sums_step);
    if constexpr (two_rows) _tile_stored(2, sums + side * block, sums_step);
    if constexpr (two_rows && two_columns) _tile_stored(3, sums + side * block + side, sums_step);
}

auto tiles_for(bool begins, bool two_rows, bool two_columns) {
    constexpr decltype(&tiles<true, true, true>) all[2][2][2] = {
        {{tiles<false, false, false>, tiles<false, false, true>},
         {tiles<false, true, false>, tiles<false, true, true>}},
        {{tiles<true, false, false>, tiles<true, false, true>},
         {tiles<true, true, false>, tiles<true, true, true>}}};
    return all[begins][two_rows][two_columns];
}

// Some rows of C from a panel of B, by blocks of k of which the first cache holds B.
void rows_of_tiles(const PairCall& call, std::int64_t i, std::int64_t m, std::int64_t j, float* sums) {
    constexpr std::int64_t most_pairs = 256;
    const bool two_columns = call.n - j > side;
    std::int64_t p = 0;
    do {
        const std::int64_t count = std::min(most_pairs, call.pairs - p);
        for (std::int64_t r = 0; r < m; r += block)
            tiles_for(p == 0, m - r > side, two_columns)(count, call.a + (i + r) * call.pairs + p * block,
                                                         call.b + j * call.pairs + p * block,
                                                         sums + r * block);
        p += most_pairs;
    } while (p < call.pairs);
    pairs::round<block>(call.c + i * call.c_row + j, call.c_row, sums, m, call.n - j,
                        call.bias ? call.bias + j : nullptr);
}

void multiply(const PairCall& call) {
    static constexpr Configuration configuration;
    constexpr std::int64_t most_rows = 8 * block;
    alignas(64) float sums[most_rows * block];
    _tile_loadconfig(&configuration);
    for (std::int64_t i = 0; i < call.m; i += most_rows)
        for (std::int64_t j = 0; j < call.n; j += block)
            rows_of_tiles(call, i, std::min(most_rows, call.m - i), j, sums);
    _tile_release();  // or the system would save the tiles with every change of threads
}

}  // namespace

void fill(Kernels& table) {
    static const PairKernels kernels = {.rows = block,
                                        .columns = block,
                                        .step = side,
                                        .task_work = 32'000'000,
                                        .pack_rows = pack_rows,
                                        .pack_columns = pack_columns,
                                        .multiply = multiply};
    table.pairs = &kernels;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
