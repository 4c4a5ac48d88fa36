// Matrix products by our own kernel: tiles in shared memory, each thread with a rectangle
// of results in registers.
//
// It serves what cuBLASLt does not: integers, strides of which none is 1, machines without the library. Every
// result is one chain of multiply-adds over k, so its bits do not depend on the size of the tiles.
#include <adjoint/cuda/cuda_backend.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {

/// A block computes `rows` x `columns` results, `depth` of k at a time; a thread `high` x `wide` of them.
template <int rows_, int columns_, int depth_, int high_, int wide_> struct Tile {
    static constexpr int rows = rows_, columns = columns_, depth = depth_, high = high_, wide = wide_;
    static constexpr int threads_down = rows / high, threads_across = columns / wide;
    static constexpr int threads = threads_down * threads_across;
};
using SmallTile = Tile<32, 32, 16, 4, 4>;
using LargeTile = Tile<128, 128, 8, 8, 8>;
using LargeWideTile = Tile<64, 64, 16, 4, 4>;  // for elements of 8 bytes

/// Brings a rows x depth piece of a matrix into shared memory as tile[depth][rows + pad], with zeros outside.
/// Neighbouring threads read along the dimension whose stride is 1.
template <class Acc, int rows, int depth, int pad, int threads, class In>
ADJOINT_DEVICE void load_tile(Acc* tile, const In* from, std::int64_t row_stride, std::int64_t depth_stride,
                              std::int64_t rows_left, std::int64_t depth_left) {
    static_assert(rows * depth % threads == 0);
    const bool along_depth = depth_stride == 1;
    for (int i = static_cast<int>(threadIdx.x); i < rows * depth; i += threads) {
        const int row = along_depth ? i / depth : i % rows;
        const int at = along_depth ? i % depth : i / rows;
        const bool inside = row < rows_left && at < depth_left;
        tile[at * (rows + pad) + row] =
            inside ? convert<Acc>(from[row * row_stride + at * depth_stride]) : Acc(0);
    }
}

/// Where the matrices of a batch's item begin.
struct ItemOffsets {
    std::int64_t out = 0, a = 0, b = 0;
    ADJOINT_HD ItemOffsets(const call::MatMul& p, std::int64_t item) {
        for (int d = p.batch_rank - 1; d >= 0; --d) {
            const std::int64_t place = item % p.batch_sizes[d];
            item /= p.batch_sizes[d];
            out += place * p.out_batch[d];
            a += place * p.a_batch[d];
            b += place * p.b_batch[d];
        }
    }
};

template <class In, class Out, class Acc>
ADJOINT_DEVICE void store_product(const call::MatMul& p, Out* out, std::int64_t row, std::int64_t column,
                                  Acc sum) {
    if (p.epilogue.bias != nullptr) sum += convert<Acc>(static_cast<const In*>(p.epilogue.bias)[column]);
    out[row * p.out_row + column] = convert<Out>(sum);
}

template <class In, class Out, class Acc>
__global__ void __launch_bounds__(spread_threads)
    tiny_product(const call::MatMul p, const std::int64_t batch) {
    wait_for_earlier();
    const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x, results = batch * p.m * p.n;
    for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < results; e += step) {
        const std::int64_t line = e / p.n, column = e - line * p.n, item = line / p.m,
                           row = line - item * p.m;
        const ItemOffsets at(p, item);
        const In* a = static_cast<const In*>(p.a.data) + at.a + row * p.a_row;
        const In* b = static_cast<const In*>(p.b.data) + at.b + column * p.b_column;
        Acc sum = Acc(0);
        for (std::int64_t k = 0; k < p.k; ++k)
            sum = multiply_add(convert<Acc>(a[k * p.a_column]), convert<Acc>(b[k * p.b_row]), sum);
        store_product<In>(p, static_cast<Out*>(p.out.data) + at.out, row, column, sum);
    }
}

template <class In, class Out, class Acc, class T>
__global__ void __launch_bounds__(T::threads, 1)
    matrix_product(const call::MatMul p, const std::int64_t batch) {
    wait_for_earlier();
    constexpr int pad = 4;  // spreads the columns of a tile over the banks
    ADJOINT_SHARED(Acc, a_tile, T::depth * (T::rows + pad));
    ADJOINT_SHARED(Acc, b_tile, T::depth * (T::columns + pad));
    const int down = static_cast<int>(threadIdx.x) / T::threads_across;
    const int across = static_cast<int>(threadIdx.x) % T::threads_across;
    const std::int64_t first_row = std::int64_t{blockIdx.y} * T::rows;
    const std::int64_t first_column = std::int64_t{blockIdx.x} * T::columns;

    for (std::int64_t item = blockIdx.z; item < batch; item += gridDim.z) {
        const ItemOffsets at(p, item);
        const In* a = static_cast<const In*>(p.a.data) + at.a + first_row * p.a_row;
        const In* b = static_cast<const In*>(p.b.data) + at.b + first_column * p.b_column;

        Acc sums[T::high][T::wide] = {};
        for (std::int64_t k = 0; k < p.k; k += T::depth) {
            load_tile<Acc, T::rows, T::depth, pad, T::threads>(a_tile, a + k * p.a_column, p.a_row,
                                                               p.a_column, p.m - first_row, p.k - k);
            load_tile<Acc, T::columns, T::depth, pad, T::threads>(b_tile, b + k * p.b_row, p.b_column,
                                                                  p.b_row, p.n - first_column, p.k - k);
            __syncthreads();
            ADJOINT_UNROLL
            for (int d = 0; d < T::depth; ++d) {
                Acc left[T::high], right[T::wide];
                for (int i = 0; i < T::high; ++i) left[i] = a_tile[d * (T::rows + pad) + down * T::high + i];
                for (int j = 0; j < T::wide; ++j)
                    right[j] = b_tile[d * (T::columns + pad) + across * T::wide + j];
                ADJOINT_UNROLL
                for (int i = 0; i < T::high; ++i) {
                    ADJOINT_UNROLL
                    for (int j = 0; j < T::wide; ++j)
                        sums[i][j] = multiply_add(left[i], right[j], sums[i][j]);
                }
            }
            __syncthreads();
        }

        ADJOINT_UNROLL
        for (int i = 0; i < T::high; ++i) {
            const std::int64_t row = first_row + down * T::high + i;
            ADJOINT_UNROLL
            for (int j = 0; j < T::wide; ++j) {
                const std::int64_t column = first_column + across * T::wide + j;
                if (row < p.m && column < p.n)
                    store_product<In>(p, static_cast<Out*>(p.out.data) + at.out, row, column, sums[i][j]);
            }
        }
    }
}

namespace {

template <class In, class Out, class Acc, class T>
void run_product(const DeviceState& device, const call::MatMul& p, std::int64_t batch) {
    constexpr std::int64_t most = 65535;  // blocks in the second and third direction
    // What is taller than the grid goes in several launches.
    for (std::int64_t first = 0; first < p.m; first += most * T::rows) {
        call::MatMul part = p;
        part.m = std::min(p.m - first, most * T::rows);
        part.a.data = p.a.as<In>() + first * p.a_row;
        part.out.data = p.out.as<Out>() + first * p.out_row;
        const dim3 grid(block_count("matmul", divide_up(part.n, T::columns)),
                        static_cast<unsigned>(divide_up(part.m, T::rows)),
                        static_cast<unsigned>(std::min(batch, most)));
        launch(device, "matmul", &matrix_product<In, Out, Acc, T>, grid, dim3(T::threads), 0, part, batch);
    }
}

}  // namespace

void own_matmul(DeviceState& device, const call::MatMul& p) {
    std::int64_t batch = 1;
    for (int d = 0; d < p.batch_rank; ++d) batch *= p.batch_sizes[d];
    if (batch * p.m * p.n == 0) return;
    visit_dtype(p.a.dtype, [&](auto type) {
        using In = decltype(type);
        constexpr DType compute = compute_type(dtype_of<In>);
        using Acc = std::conditional_t<compute == DType::f64, double,
                                       std::conditional_t<compute == DType::f32, float, std::int64_t>>;
        using Out = std::conditional_t<std::is_same_v<In, bool>, std::int64_t, In>;
        constexpr std::int64_t tiny = 32;
        if (p.m <= tiny && p.n <= tiny && p.k <= 2 * tiny) {
            const Spread spread(device, batch * p.m * p.n);
            launch_independent(device, "matmul", &tiny_product<In, Out, Acc>, spread.grid, spread.block, p,
                               batch);
            return;
        }
        using Large = std::conditional_t<sizeof(Acc) == 8, LargeWideTile, LargeTile>;
        const std::int64_t large_tiles = batch * divide_up(p.m, Large::rows) * divide_up(p.n, Large::columns);
        const bool fills_tiles = p.m > SmallTile::rows && p.n > SmallTile::columns;
        if (fills_tiles && large_tiles >= device.multiprocessors)
            run_product<In, Out, Acc, Large>(device, p, batch);
        else
            run_product<In, Out, Acc, SmallTile>(device, p, batch);
    });
}

}  // namespace adjoint::cuda_backend
