// The products inside a convolution: what a row of columns would be is read from a prepared image, in which
// every row of the product lies contiguous (core/cpu/convolution.cpp).
#include <adjoint/core/cpu/gemm.h>
#include <adjoint/core/cpu/kernels/kernels.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace gemm_detail;

// Filters are taken in tiles of equal height.
struct FilterTiles {
    std::int64_t count, height;
    explicit FilterTiles(std::int64_t filters)
        : count((filters + tile_rows - 1) / tile_rows), height((filters + count - 1) / count) {}
};

template <typename T> std::int64_t packed_size(std::int64_t filters, std::int64_t depth) {
    return FilterTiles(filters).count * tile_rows * depth;
}

template <typename T> void pack_weights(void* out, const void* in, std::int64_t filters, std::int64_t depth) {
    const FilterTiles tiles(filters);
    for (std::int64_t t = 0; t < tiles.count; ++t) {
        const std::int64_t first = t * tiles.height;
        pack<T, tile_rows>(static_cast<T*>(out) + t * tile_rows * depth,
                           static_cast<const T*>(in) + first * depth, depth, 1,
                           std::min(tiles.height, filters - first), depth);
    }
}

// tile = or += weights x rows of the image that start at the offsets.
template <typename T, int rows, int vectors>
__attribute__((noinline)) void convolve_kernel(std::int64_t depth, const T* weights, const T* image,
                                               const std::int64_t* offsets, T* tile, bool accumulate) {
    using V = Vector<T>;
    V sum[rows][vectors] = {};
    for (std::int64_t p = 0; p < depth; ++p, weights += tile_rows) {
        const T* const from = image + offsets[p];
        V pixels[vectors];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) pixels[j] = load(from + j * width<T>);
#pragma GCC unroll 14
        for (int i = 0; i < rows; ++i) {
            const V weight = weights[i] - V{};
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(weight, pixels[j], sum[i][j]);
        }
    }
#pragma GCC unroll 14
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) {
            T* const to = tile + (i * vectors + j) * width<T>;
            store(to, accumulate ? load(to) + sum[i][j] : sum[i][j]);
        }
    }
}

template <typename T>
using ConvolveKernel = void (*)(std::int64_t, const T*, const T*, const std::int64_t*, T*, bool);

template <typename T, int vectors, int rows = tile_rows>
ConvolveKernel<T> convolve_kernel_for(std::int64_t height) {
    if constexpr (rows > 1) {
        if (height < rows) return convolve_kernel_for<T, vectors, rows - 1>(height);
    }
    return convolve_kernel<T, rows, vectors>;
}

// A run of a tile's pixels that lies in one row of the output.
struct Run {
    std::int64_t tile, y, length;
};

// Pixels first .. first + size - 1 of the block, for all filters of the group of tiles begin .. end - 1.
template <typename T, int vectors>
void convolve_tile(const ConvolveCall& call, std::int64_t begin, std::int64_t end, std::int64_t first) {
    constexpr int size = vectors * width<T>;
    // Sums of more terms than this are put together from parts: it keeps the rounding errors small.
    constexpr std::int64_t most_depth = 512;
    Run runs[size];
    int count = 0;
    for (std::int64_t at = first, last = first + size; at < last;) {
        const std::int64_t row = at / call.width, column = at % call.width;
        const std::int64_t next = std::min((row + 1) * call.width, last);
        if (column < call.columns && row < call.rows)
            runs[count++] = {at - first, row * call.columns + column,
                             std::min(next - at, call.columns - column)};
        at = next;
    }
    const FilterTiles tiles(call.filters);
    const T* const image = static_cast<const T*>(call.image) + first;
    const T* const bias = static_cast<const T*>(call.bias);
    T* const block = static_cast<T*>(call.y);
    const std::int64_t block_size = call.rows * call.columns;
    alignas(64)
        T tile[(tile_rows + 1) * size];  // a row more: whole vectors are read from the middle of the last
    for (std::int64_t t = begin; t < end; ++t) {
        const std::int64_t filter = t * tiles.height, height = std::min(tiles.height, call.filters - filter);
        T* const y = block + filter * call.y_filter;
        for (std::int64_t i = 0; i < height; ++i)
            for (int r = 0; r < count; ++r) {
                __builtin_prefetch(y + i * call.y_filter + runs[r].y, 1);
                __builtin_prefetch(y + i * call.y_filter + runs[r].y + runs[r].length - 1, 1);
            }
        if (bias != nullptr)
            for (std::int64_t i = 0; i < height; ++i)
                for (int j = 0; j < size; ++j) tile[i * size + j] = bias[filter + i];
        const ConvolveKernel<T> kernel = convolve_kernel_for<T, vectors>(height);
        const T* const weights = static_cast<const T*>(call.weights) + t * tile_rows * call.depth;
        for (std::int64_t p = 0; p < call.depth; p += most_depth)
            kernel(std::min(most_depth, call.depth - p), weights + p * tile_rows, image, call.offsets + p,
                   tile, p > 0 || bias != nullptr);
        for (int r = 0; r < count; ++r) {
            const Run run = runs[r];
            // Whole vectors where what follows in the block is written later anyway.
            const bool whole = run.y + size <= block_size;
            for (std::int64_t i = 0; i < height; ++i) {
                const T* from = tile + i * size + run.tile;
                T* to = y + i * call.y_filter + run.y;
                if (whole)
                    std::memcpy(to, from, size * sizeof(T));
                else
                    std::memcpy(to, from, static_cast<std::size_t>(run.length) * sizeof(T));
            }
        }
    }
}

template <typename T> void convolve(const ConvolveCall& call) {
    constexpr std::int64_t size = tile_columns<T>, half = size / 2;
    // Weights that are read again for each tile of pixels should stay in the second-level cache.
    constexpr std::int64_t most_bytes = 1 << 18;
    const FilterTiles tiles(call.filters);
    const std::int64_t tile_bytes = tile_rows * call.depth * static_cast<std::int64_t>(sizeof(T));
    const std::int64_t group = std::max<std::int64_t>(1, most_bytes / tile_bytes);
    const std::int64_t total = (call.rows - 1) * call.width + call.columns;
    for (std::int64_t begin = 0; begin < tiles.count; begin += group) {
        const std::int64_t end = std::min(tiles.count, begin + group);
        // The last tile ends with the block: what it has in common with the one before is computed twice.
        std::int64_t first = 0;
        for (; total - first > half; first += size)
            convolve_tile<T, 2>(call, begin, end, std::max<std::int64_t>(0, std::min(first, total - size)));
        if (first < total) convolve_tile<T, 1>(call, begin, end, std::max<std::int64_t>(0, total - half));
    }
}

// Rows of the output taken together, so that their gradients, packed, stay in the first-level cache.
std::int64_t row_step(const CorrelateCall& call) {
    constexpr std::int64_t pixels = 192;
    return std::clamp<std::int64_t>(pixels / call.width, 1, call.rows);
}

template <typename T> std::int64_t correlate_scratch(const CorrelateCall& call) {
    return row_step(call) * call.width * tile_columns<T>;
}

template <typename T, int vectors> void correlate_block(const CorrelateCall& call) {
    constexpr int size = vectors * width<T>;
    const T* const image = static_cast<const T*>(call.image);
    const T* const g = static_cast<const T*>(call.g);
    T* const sums = static_cast<T*>(call.sums);
    T* const packed = static_cast<T*>(call.scratch);
    const std::int64_t step = row_step(call), gap = call.width - call.columns;
    for (std::int64_t row = 0; row < call.rows; row += step) {
        const std::int64_t rows = std::min(step, call.rows - row);
        for (std::int64_t r = 0; r < rows; ++r) {
            T* const to = packed + r * call.width * size;
            pack<T, size>(to, g + (row + r) * call.columns, call.g_filter, 1, call.filters, call.columns);
            // Between the rows of the output lie pixels that no window starts at.
            std::fill_n(to + call.columns * size, gap * size, T(0));
        }
        const Epilogue<T> e{call.fresh && row == 0 ? T(0) : T(1), nullptr, false};
        for (std::int64_t t = 0; t < call.taps; ++t)
            panel<T, vectors, false>(call.channels, (rows - 1) * call.width + call.columns,
                                     image + call.offsets[t] + row * call.width, call.plane, call.plane,
                                     packed, size, sums + t * call.channels * tile_columns<T>,
                                     tile_columns<T>, e);
    }
}

template <typename T> void correlate(const CorrelateCall& call) {
    if (call.filters <= width<T>)
        correlate_block<T, 1>(call);
    else
        correlate_block<T, 2>(call);
}

template <typename T> ConvolutionKernels table_of() {
    return {tile_columns<T>, packed_size<T>,       pack_weights<T>,
            convolve<T>,     correlate_scratch<T>, correlate<T>};
}

}  // namespace

void add_convolution(Kernels& table) {
    table.convolution[0] = table_of<float>();
    table.convolution[1] = table_of<double>();
}

}  // namespace adjoint::cpu::ADJOINT_ISA
