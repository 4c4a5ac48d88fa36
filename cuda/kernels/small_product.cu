// Small products: tiles in shared memory, each warp with some of the terms of every result of the tile.
//
// Few tiles leave most of the chip idle, and many terms in a row make those few slow. So the eight warps of
// a block share the terms: of every `depth` of them each has `share`. Their sums are added by halving. The
// order depends on the number of terms alone: neither the size of the tile nor what else is in the launch
// changes a bit. While a tile is multiplied, the next one is on its way into registers.
#include <adjoint/cuda/kernels/small_product.h>

#include <algorithm>

#include <adjoint/core/capture/effects.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/cuda/kernels/activated.h>
#include <adjoint/cuda/kernels/launch.h>
#include <adjoint/cuda/kernels/update.h>
#include <adjoint/cuda/runtime/graph_data.h>

namespace adjoint::cuda_backend {

constexpr int product_threads = 256, product_warps = product_threads / warp_size, product_depth = 64,
              product_share = product_depth / product_warps, most_products = 2;

struct SmallProducts {
    int count = 0;
    unsigned first_block[most_products + 1] = {};
    SmallProduct products[most_products];
};

/// The step of an optimizer behind them: results of products are the gradients of some slices; the others
/// have blocks of their own, behind those of the products.
struct StepBehind {
    AnyUpdate step;
    UpdateTable table;
    int out_slice[most_products] = {-1, -1}, sums_slice[most_products] = {-1, -1};  // -1: no gradient
};
struct NoStep {};

/// Numbers side by side, moved at once.
template <int n> struct alignas(n * sizeof(float)) Numbers { float values[n]; };

template <int n> ADJOINT_DEVICE void copy_numbers(const float* from, float (&to)[n]) {
    constexpr int at_once = n < 4 ? n : 4;
    ADJOINT_UNROLL
    for (int i = 0; i < n; i += at_once) {
        const auto some = *reinterpret_cast<const Numbers<at_once>*>(from + i);
        ADJOINT_UNROLL
        for (int j = 0; j < at_once; ++j) to[i + j] = some.values[j];
    }
}

/// Four elements from `from` on, `step` apart, of which there are `left`; 0 for the others.
ADJOINT_DEVICE void fetch_four(const float* from, std::int32_t step, std::int32_t left, bool aligned,
                               float (&to)[4]) {
    if (aligned && left >= 4) return copy_numbers(from, to);
    ADJOINT_UNROLL
    for (int j = 0; j < 4; ++j) to[j] = j < left ? from[j * step] : 0.0f;
}

/// The way of a factor into shared memory as tile[depth][side + pad]: four neighbours at a time for each
/// thread, along whichever dimension they are neighbours in memory.
template <int side> struct FactorTile {
    static constexpr int pad = 4, line = side + pad, fours = side * product_depth / 4 / product_threads;

    const float* data;
    const float* relu_of;
    std::int32_t outer_step, depth_step;  // between elements of the tile's two dimensions
    std::int32_t outer_left, depth;       // rows of a or columns of b from here on; terms in all
    bool along_depth, aligned;
    float numbers[fours][4];

    ADJOINT_DEVICE FactorTile(const float* matrix, const float* slopes, std::int32_t outer,
                              std::int32_t terms, std::int32_t first, std::int32_t outers,
                              std::int32_t all_terms)
        : data(matrix + std::int64_t{first} * outer),
          relu_of(slopes == nullptr ? nullptr : slopes + std::int64_t{first} * outer),
          outer_step(outer),
          depth_step(terms),
          outer_left(outers - first),
          depth(all_terms),
          along_depth(terms == 1) {
        const std::int32_t other = along_depth ? outer : terms;
        const auto starts_well = [](const float* p) {
            return reinterpret_cast<std::uintptr_t>(p) % sizeof(Numbers<4>) == 0;
        };
        aligned = (along_depth || outer == 1) && other % 4 == 0 && starts_well(data) && starts_well(relu_of);
    }

    /// Where the thread's four number i stand in the tile. Along the depth a warp has 8 rows of 16, so that
    /// its writes to shared memory meet in few banks.
    ADJOINT_DEVICE void place(int i, int& outer, int& term) const {
        const int number = i * product_threads + static_cast<int>(threadIdx.x);
        if (along_depth) {
            const int lane = number % warp_size, part = number / warp_size;
            outer = part % (side / 8) * 8 + lane % 8;
            term = part / (side / 8) * 16 + lane / 8 * 4;
        } else {
            outer = number % (side / 4) * 4;
            term = number / (side / 4);
        }
    }
    ADJOINT_DEVICE void fetch(std::int32_t first_term) {
        ADJOINT_UNROLL
        for (int i = 0; i < fours; ++i) {
            int outer, term;
            place(i, outer, term);
            const std::int32_t at = first_term + term;
            const bool inside = outer < outer_left && at < depth;
            const std::int32_t left = !inside ? 0 : (along_depth ? depth - at : outer_left - outer),
                               step = along_depth ? depth_step : outer_step;
            const std::int64_t from =
                inside ? std::int64_t{outer} * outer_step + std::int64_t{at} * depth_step : 0;
            fetch_four(data + from, step, left, aligned, numbers[i]);
            if (relu_of == nullptr) continue;
            float saved[4];
            fetch_four(relu_of + from, step, left, aligned, saved);
            constexpr functor::SlopeTimes<functor::Relu> slope{};
            ADJOINT_UNROLL
            for (int j = 0; j < 4; ++j)
                if (j < left) numbers[i][j] = slope.value(numbers[i][j], saved[j]);
        }
    }
    ADJOINT_DEVICE void store(float* tile) const {
        ADJOINT_UNROLL
        for (int i = 0; i < fours; ++i) {
            int outer, term;
            place(i, outer, term);
            if (along_depth) {
                ADJOINT_UNROLL
                for (int j = 0; j < 4; ++j) tile[(term + j) * line + outer] = numbers[i][j];
            } else {
                Numbers<4> four;
                ADJOINT_UNROLL
                for (int j = 0; j < 4; ++j) four.values[j] = numbers[i][j];
                *reinterpret_cast<Numbers<4>*>(tile + term * line + outer) = four;
            }
        }
    }
};

ADJOINT_DEVICE float finish_small(const SmallProduct& p, std::int32_t row, std::int32_t column, float sum) {
    const Epilogue& then = p.epilogue;
    const std::int64_t place = std::int64_t{row} * p.n + column;
    if (then.bias != nullptr) sum += static_cast<const float*>(then.bias)[column];
    if (then.sums != nullptr) static_cast<float*>(then.sums)[place] = sum;
    return p.out[place] = activated(then.activation, sum);
}

/// A block of the slices that have their own.
ADJOINT_DEVICE void update_slice(const StepBehind& then, unsigned block) {
    const int s = then.table.slice_of(block);
    const std::int64_t first = (block - then.table.first_block[s]) * update_chunk, size = then.table.sizes[s],
                       end = first + update_chunk < size ? first + update_chunk : size;
    const auto* const g = static_cast<const float*>(then.table.gradients[s]);
    for (std::int64_t i = first + threadIdx.x; i < end; i += blockDim.x)
        then.step.run(then.table, s, i, g[i]);
}

/// A tile is side x side; a lane has `high` x `wide` of its results.
template <int side, class Then>
__global__ void __launch_bounds__(product_threads)
    small_product(const ADJOINT_GRID_CONSTANT SmallProducts all, const ADJOINT_GRID_CONSTANT Then then) {
    wait_for_earlier();
    constexpr bool updates = std::is_same_v<Then, StepBehind>;
    if constexpr (updates)
        if (blockIdx.x >= all.first_block[all.count])
            return update_slice(then, blockIdx.x - all.first_block[all.count]);
    using Tile = FactorTile<side>;
    constexpr int line = Tile::line, lanes_down = 8, lanes_across = warp_size / lanes_down,
                  high = side / lanes_down, wide = side / lanes_across, results = side * side;
    constexpr int tile_numbers = product_depth * line;
    // The sums of half of the warps take the place of the tiles.
    static_assert(2 * tile_numbers >= product_warps / 2 * (results + side));
    ADJOINT_SHARED(float, memory, 2 * tile_numbers);
    float* const a_tile = memory;
    float* const b_tile = memory + tile_numbers;

    const int which = all.count > 1 && blockIdx.x >= all.first_block[1] ? 1 : 0;
    const SmallProduct& p = all.products[which];
    const unsigned block = blockIdx.x - all.first_block[which];
    const auto across_blocks = static_cast<unsigned>((p.n + side - 1) / side);
    const auto first_row = static_cast<std::int32_t>(block / across_blocks * side),
               first_column = static_cast<std::int32_t>(block % across_blocks * side);
    const int thread = static_cast<int>(threadIdx.x), warp = thread / warp_size, lane = thread % warp_size;
    const int down = lane / lanes_across * high, across = lane % lanes_across * wide;
    const bool sums_rows = p.a_sums != nullptr && first_column == 0;

    Tile a(p.a.data, p.relu_of, p.a.row, p.a.column, first_row, p.m, p.k);
    Tile b(p.b.data, nullptr, p.b.column, p.b.row, first_column, p.n, p.k);
    float sums[high][wide] = {};
    float row_sum = 0;  // of row `lane`
    a.fetch(0);
    b.fetch(0);
    for (std::int32_t k = 0; k < p.k; k += product_depth) {
        a.store(a_tile);
        b.store(b_tile);
        __syncthreads();
        if (k + product_depth < p.k) {
            a.fetch(k + product_depth);
            b.fetch(k + product_depth);
        }
        ADJOINT_UNROLL
        for (int d = 0; d < product_share; ++d) {
            const int term = warp * product_share + d;
            float left[high], right[wide];
            copy_numbers(a_tile + term * line + down, left);
            copy_numbers(b_tile + term * line + across, right);
            ADJOINT_UNROLL
            for (int i = 0; i < high; ++i) {
                ADJOINT_UNROLL
                for (int j = 0; j < wide; ++j) sums[i][j] = multiply_add(left[i], right[j], sums[i][j]);
            }
            if (sums_rows && lane < side) row_sum += a_tile[term * line + lane];
        }
        __syncthreads();
    }

    // The upper half of the warps gives its sums to the lower one; what is left is added by all threads.
    constexpr int half = product_warps / 2;
    float* const rows = memory + half * results;
    const auto put = [&](int place) {
        ADJOINT_UNROLL
        for (int i = 0; i < high; ++i) {
            ADJOINT_UNROLL
            for (int j = 0; j < wide; ++j)
                memory[place * results + (down + i) * side + across + j] = sums[i][j];
        }
        if (lane < side) rows[place * side + lane] = row_sum;
    };
    if (warp >= half) put(warp - half);
    __syncthreads();
    if (warp < half) {
        ADJOINT_UNROLL
        for (int i = 0; i < high; ++i) {
            ADJOINT_UNROLL
            for (int j = 0; j < wide; ++j)
                sums[i][j] += memory[warp * results + (down + i) * side + across + j];
        }
        if (lane < side) row_sum += rows[warp * side + lane];
        put(warp);  // each warp where it has read
    }
    __syncthreads();
    const auto total = [](const float* first, int step) {
        return (first[0] + first[2 * step]) + (first[step] + first[3 * step]);
    };
    static_assert(half == 4);
    for (int e = thread; e < results; e += product_threads) {
        const std::int32_t row = first_row + e / side, column = first_column + e % side;
        if (row >= p.m || column >= p.n) continue;
        const float result = finish_small(p, row, column, total(memory + e, results));
        if constexpr (updates)
            if (then.out_slice[which] >= 0)
                then.step.run(then.table, then.out_slice[which], std::int64_t{row} * p.n + column, result);
    }
    if (sums_rows && thread < side && first_row + thread < p.m) {
        const float result = p.a_sums[first_row + thread] = total(rows + thread, side);
        if constexpr (updates)
            if (then.sums_slice[which] >= 0)
                then.step.run(then.table, then.sums_slice[which], first_row + thread, result);
    }
}

namespace {

template <int side, class Then>
void launch_small(const DeviceState& device, const char* op, std::span<const SmallProduct> products,
                  const Then& then) {
    SmallProducts all;
    for (const SmallProduct& p : products) {
        const std::int64_t tiles = divide_up(p.m, side) * divide_up(p.n, side);
        all.first_block[all.count + 1] = all.first_block[all.count] + static_cast<unsigned>(tiles);
        all.products[all.count++] = p;
    }
    unsigned blocks = all.first_block[all.count];
    if constexpr (std::is_same_v<Then, StepBehind>) blocks += then.table.first_block[then.table.slices];
    launch(device, op, &small_product<side, Then>, dim3(blocks), dim3(product_threads), 0, all, then);
}

template <class Then>
void launch_tiles(const DeviceState& device, const char* op, std::span<const SmallProduct> products,
                  const Then& then) {
    constexpr int small = 16, large = 32;
    std::int64_t tiles = 0;
    for (const SmallProduct& p : products) tiles += divide_up(p.m, large) * divide_up(p.n, large);
    if (tiles >= device.multiprocessors)
        launch_small<large>(device, op, products, then);
    else
        launch_small<small>(device, op, products, then);
}

// Whether the kernel is made for m x n x k of this type, `most` being the multiplications that it may take.
bool is_small(DType type, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t most) {
    constexpr std::int64_t longest = std::int64_t{1} << 24;
    return type == DType::f32 && std::max({m, n, k}) <= longest && m * n > 0 && k > 0 &&
           static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) <=
               static_cast<double>(most);
}

// The products of a layer's backward pass: that for the weight, and that for the input where it is wanted.
struct LayerProducts {
    SmallProduct all[most_products];
    std::size_t count = 1;
    std::span<const SmallProduct> span() const { return {all, count}; }
};

std::optional<LayerProducts> products_of(const DeviceState& device, const call::LinearBackward& c) {
    // Where tensor cores may be used the library has them.
    const std::int64_t most = device.small_product * (matmul_precision() == MatmulPrecision::highest ? 8 : 1);
    if (!is_small(c.dtype, c.rows, c.inputs, c.outputs, most) || c.dw == nullptr ||
        (c.activation != Activation::none && c.activation != Activation::relu))
        return std::nullopt;
    const auto rows = static_cast<std::int32_t>(c.rows), inputs = static_cast<std::int32_t>(c.inputs),
               outputs = static_cast<std::int32_t>(c.outputs);
    const auto* const g = static_cast<const float*>(c.g);
    const auto* const relu_of =
        static_cast<const float*>(c.activation == Activation::none ? nullptr : c.saved);
    LayerProducts made;
    SmallProduct& weight = made.all[0];
    weight.out = static_cast<float*>(c.dw);
    weight.a = {g, 1, outputs};
    weight.b = {static_cast<const float*>(c.x), inputs, 1};
    weight.m = outputs;
    weight.n = inputs;
    weight.k = rows;
    weight.relu_of = relu_of;
    weight.a_sums = static_cast<float*>(c.db);
    if (c.dx == nullptr) return made;
    SmallProduct& input = made.all[made.count++];
    input.out = static_cast<float*>(c.dx);
    input.a = {g, outputs, 1};
    input.b = {static_cast<const float*>(c.w), inputs, 1};
    input.m = rows;
    input.n = inputs;
    input.k = outputs;
    input.relu_of = relu_of;
    return made;
}

// The optimizer's step behind a layer's backward pass; none where it has to be a launch of its own.
std::optional<StepBehind> step_behind(CudaBackend& cuda, const call::BackwardUpdate& c) {
    const std::span<const UpdateSlice> slices = c.update.slices;
    if (slices.size() > most_slices) return std::nullopt;
    StepBehind then;
    const Effects backward(AnyCall(c.backward));
    for (const UpdateSlice& slice : slices) {
        if (slice.dtype != DType::f32) return std::nullopt;
        const bool is_weight = slice.gradient == c.backward.dw &&
                               slice.numel == c.backward.inputs * c.backward.outputs,
                   is_bias = slice.gradient == c.backward.db && slice.numel == c.backward.outputs;
        if (is_weight) then.out_slice[0] = then.table.slices;
        if (is_bias) then.sums_slice[0] = then.table.slices;
        if (!is_weight && !is_bias && backward.writes_at(slice.gradient)) return std::nullopt;
        then.table.add(slice, is_weight || is_bias ? 0 : divide_up(slice.numel, update_chunk));
    }
    then.step = AnyUpdate(c.update.op, cuda.device.graph ? cuda.device.graph->next_update() : nullptr);
    return then;
}

}  // namespace

void multiply_small(const DeviceState& device, const char* op, std::span<const SmallProduct> products) {
    launch_tiles(device, op, products, NoStep{});
}

bool multiply_small(CudaBackend& cuda, const call::MatMul& c) {
    const auto fits = [](std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns) {
        constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
        return row >= 0 && column >= 0 && row <= most && column <= most &&
               (rows - 1) * row + (columns - 1) * column <= most;
    };
    if (c.batch_rank > 0 || c.out_row != c.n || c.out.dtype != c.a.dtype ||
        !is_small(c.a.dtype, c.m, c.n, c.k, cuda.device.small_product) ||
        !fits(c.a_row, c.a_column, c.m, c.k) || !fits(c.b_row, c.b_column, c.k, c.n))
        return false;
    const auto factor = [](const Operand& x, std::int64_t row, std::int64_t column) {
        return SmallProduct::Factor{x.as<const float>(), static_cast<std::int32_t>(row),
                                    static_cast<std::int32_t>(column)};
    };
    SmallProduct p;
    p.out = c.out.as<float>();
    p.a = factor(c.a, c.a_row, c.a_column);
    p.b = factor(c.b, c.b_row, c.b_column);
    p.m = static_cast<std::int32_t>(c.m);
    p.n = static_cast<std::int32_t>(c.n);
    p.k = static_cast<std::int32_t>(c.k);
    p.epilogue = c.epilogue;
    multiply_small(cuda.device, call::MatMul::name, std::span(&p, 1));
    return true;
}

void on(CudaBackend& cuda, const call::LinearBackward& c) {
    const std::optional<LayerProducts> products = products_of(cuda.device, c);
    if (!products) return compose(cuda, c);
    multiply_small(cuda.device, call::LinearBackward::name, products->span());
}

void on(CudaBackend& cuda, const call::BackwardUpdate& c) {
    const std::optional<LayerProducts> products = products_of(cuda.device, c.backward);
    const std::optional<StepBehind> then = products ? step_behind(cuda, c) : std::nullopt;
    if (!then) return compose(cuda, c);
    launch_tiles(cuda.device, call::BackwardUpdate::name, products->span(), *then);
}

}  // namespace adjoint::cuda_backend
