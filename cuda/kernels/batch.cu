// The samples of a batch in one launch, and the sums of an epoch in one by a single block.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/packs.h>
#include <adjoint/cuda/kernels/row_share.h>

namespace adjoint::cuda_backend {

/// What is done with the elements of a table: moved as they are, or converted.
enum class Taken { words1, words2, words4, words8, bytes_to_f32, bytes_to_i64, i32_to_i64 };

struct TakenTable {
    Taken how;
    bool by_four;  // elements at once
    void* out;
    const void* table;
    std::uint32_t width;  // in groups of as many as are taken at once
    Divisor columns;
    float scale, shift;
};
struct TakenTables {
    TakenTable of[call::TakeRows::most];
};

/// Groups of n elements of a row, from the start of the row that `places` names.
template <int n, class To, class From, class F>
ADJOINT_DEVICE void take_groups(const TakenTable& table, const std::int64_t* places, std::uint32_t rows,
                                F f) {
    const std::uint32_t groups = rows * table.width, step = gridDim.x * blockDim.x;
    for (std::uint32_t g = blockIdx.x * blockDim.x + threadIdx.x; g < groups; g += step) {
        const std::uint32_t row = table.columns.divide(g), column = g - row * table.width;
        const auto in = static_cast<const Group<From, n>*>(table.table)[places[row] * table.width + column];
        Group<To, n> out;
        ADJOINT_UNROLL
        for (int i = 0; i < n; ++i) out.values[i] = f(in.values[i]);
        static_cast<Group<To, n>*>(table.out)[g] = out;
    }
}
template <class To, class From, class F>
ADJOINT_DEVICE void take(const TakenTable& table, const std::int64_t* places, std::uint32_t rows, F f) {
    table.by_four ? take_groups<4, To, From>(table, places, rows, f)
                  : take_groups<1, To, From>(table, places, rows, f);
}

/// A row of blocks for each table.
__global__ void __launch_bounds__(spread_threads)
    take_rows(const TakenTables tables, const std::int64_t* places, const std::uint32_t rows) {
    wait_for_earlier();
    const TakenTable table = tables.of[blockIdx.y];
    const auto same = [](auto x) { return x; };
    const auto number = [](auto x) { return static_cast<std::int64_t>(x); };
    switch (table.how) {
        case Taken::words1:
            return take<std::uint8_t, std::uint8_t>(table, places, rows, same);
        case Taken::words2:
            return take<std::uint16_t, std::uint16_t>(table, places, rows, same);
        case Taken::words4:
            return take<std::uint32_t, std::uint32_t>(table, places, rows, same);
        case Taken::words8:
            return take_groups<1, std::uint64_t, std::uint64_t>(table, places, rows, same);
        case Taken::bytes_to_i64:
            return take_groups<1, std::int64_t, std::uint8_t>(table, places, rows, number);
        case Taken::i32_to_i64:
            return take_groups<1, std::int64_t, std::int32_t>(table, places, rows, number);
        case Taken::bytes_to_f32:
            break;
    }
    take<float, std::uint8_t>(table, places, rows, [&table](std::uint8_t x) {
        return static_cast<float>(x) * table.scale + table.shift;
    });
}

constexpr int tally_threads = 1024;

template <class T, class Mean>
__global__ void __launch_bounds__(tally_threads) tally_rows(const unsigned lanes, const call::Tally tally) {
    wait_for_earlier();
    const std::int64_t at_once = blockDim.x / lanes;
    std::int64_t right = 0;
    for (std::int64_t group = 0; group * at_once < tally.rows.rows; ++group) {
        const RowShare share(tally.rows.rows, tally.rows.columns, lanes, group);
        const std::int64_t target = share.exists ? tally.targets[share.row] : -1;
        const bool exists = target >= 0 && target < tally.rows.columns;
        const T* const row = static_cast<const T*>(tally.logits) + share.row * tally.rows.columns;
        const int beaten = fold_row<functor::Max, int>(share, lanes, [&](std::int64_t i) {
            return exists && call::Tally::beats(row, i, target) ? 1 : 0;
        });
        right += share.first == 0 && exists && beaten <= 0;
    }
    right = fold_group<functor::Sum>(right, blockDim.x);
    if (threadIdx.x != 0) return;
    *tally.right += right;
    *tally.loss += call::Tally::sum_of(*static_cast<const Mean*>(tally.mean.data), tally.rows.rows);
}

namespace {

Taken how_taken(const RowTable& table) {
    if (table.converts()) {
        if (table.out.dtype == DType::f32) return Taken::bytes_to_f32;
        return table.table.dtype == DType::i32 ? Taken::i32_to_i64 : Taken::bytes_to_i64;
    }
    switch (size_of(table.out.dtype)) {
        case 1:
            return Taken::words1;
        case 2:
            return Taken::words2;
        case 4:
            return Taken::words4;
        default:
            return Taken::words8;
    }
}

bool by_four(const RowTable& table, Taken how) {
    if (how == Taken::words8 || how == Taken::bytes_to_i64 || how == Taken::i32_to_i64) return false;
    const auto begins = [](const Operand& x) {
        return reinterpret_cast<std::uintptr_t>(x.data) % (4 * size_of(x.dtype)) == 0;
    };
    return table.width % 4 == 0 && begins(table.out) && begins(table.table);
}

}  // namespace

void on(CudaBackend& cuda, const call::TakeRows& c) {
    constexpr std::int64_t most = std::int64_t{1} << 31;
    TakenTables tables{};
    std::int64_t items = 0;
    for (std::size_t t = 0; t < c.count; ++t) {
        const RowTable& from = c.tables[t];
        if (c.rows * from.width >= most) return compose(cuda, c);
        const Taken how = how_taken(from);
        const bool four = by_four(from, how);
        const std::int64_t width = four ? from.width / 4 : from.width;
        tables.of[t] = {.how = how,
                        .by_four = four,
                        .out = from.out.data,
                        .table = from.table.data,
                        .width = static_cast<std::uint32_t>(width),
                        .columns = Divisor(width),
                        .scale = static_cast<float>(from.scale),
                        .shift = static_cast<float>(from.shift)};
        items = std::max(items, c.rows * width);
    }
    if (items == 0) return;
    Spread spread(cuda.device, items);
    spread.grid.y = static_cast<unsigned>(c.count);
    launch_independent(cuda.device, call::TakeRows::name, &take_rows, spread.grid, spread.block, tables,
                       c.places, static_cast<std::uint32_t>(c.rows));
}

void on(CudaBackend& cuda, const call::Tally& c) {
    constexpr std::int64_t most_elements = 1 << 17;  // by one block
    if (c.rows.rows == 0 || c.rows.columns == 0 || c.rows.numel() > most_elements) return compose(cuda, c);
    const RowLaunch with(call::Tally::name, c.rows);
    const unsigned lanes = with.lanes == row_threads ? tally_threads : with.lanes;
    const auto threads = static_cast<unsigned>(power_of_two(c.rows.rows * lanes, warp_size, tally_threads));
    visit_real(c.rows.dtype, [&]<class T>(T) {
        visit_real(c.mean.dtype, [&]<class Mean>(Mean) {
            launch(cuda.device, call::Tally::name, &tally_rows<T, Mean>, dim3(1), dim3(threads), 0, lanes, c);
        });
    });
}

}  // namespace adjoint::cuda_backend
