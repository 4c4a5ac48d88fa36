// Products of bf16 by AVX512-BF16's instruction, which multiplies a vector of pairs and adds them up in f32.
//
// A pair has the size of a float, so the kernels are those of f32 (gemm.h), of half as many k. Numbers below
// the smallest normal one count as zero, which is how the instruction takes and gives them.
#include <adjoint/cpu/gemm.h>
#include <adjoint/cpu/pairs.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace gemm_detail;

constexpr int columns = tile_columns<float>;

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

void pack_rows(std::uint32_t* to, const PairLines& lines, std::int64_t count) {
    pairs::pack_side_by_side<tile_rows>(to, lines, count);
}
void pack_columns(std::uint32_t* to, const PairLines& lines, std::int64_t count) {
    pairs::pack_side_by_side<columns>(to, lines, count);
}

void multiply(const PairCall& call) {
    constexpr TileStore<float> alone{0, nullptr, false};
    alignas(64) float sums[tile_rows * columns];
    const float* const a = reinterpret_cast<const float*>(call.a);
    const float* const b = reinterpret_cast<const float*>(call.b);
    for (std::int64_t j = 0; j < call.n; j += columns) {
        const auto run = call.n - j > columns / 2 ? panel<float, 2, true, MultiplyPairs>
                                                  : panel<float, 1, true, MultiplyPairs>;
        for (std::int64_t i = 0; i < call.m; i += tile_rows) {
            const std::int64_t m = std::min<std::int64_t>(tile_rows, call.m - i);
            run(m, call.pairs, a + i * call.pairs, 1, tile_rows, b + j * call.pairs, columns, sums, columns,
                alone);
            pairs::round<columns>(call.c + i * call.c_row + j, call.c_row, sums, m, call.n - j,
                                  call.bias ? call.bias + j : nullptr);
        }
    }
}

}  // namespace

void fill(Kernels& table) {
    static const PairKernels kernels = {.rows = tile_rows,
                                        .columns = columns,
                                        .step = 1,
                                        .task_work = 8'000'000,
                                        .pack_rows = pack_rows,
                                        .pack_columns = pack_columns,
                                        .multiply = multiply};
    table.pairs = &kernels;
}

}  // namespace adjoint::cpu::ADJOINT_ISA
