// The products inside a convolution: what a row of columns would be is read from a prepared image, in which
// every row of the product lies contiguous (cpu/convolution.cpp).
#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/correlate.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/scratch.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;

// Either the filters or the pixels of a tile lie in the lanes of vectors, and the others are taken one by
// one. Filters do where they fill the lanes: then no lane is spent on what lies between
// two rows of the output.
template <typename T> bool filters_in_lanes(std::int64_t filters) {
    return 4 * filters >= 3 * round_up(filters, width<T>);
}

template <typename T> std::int64_t packed_size(std::int64_t filters, std::int64_t depth) {
    return (filters_in_lanes<T>(filters) ? round_up(filters, width<T>) : Tiles(filters).count * tile_rows) *
           depth;
}

template <typename T, int size>
void pack_panel(T* to, const T* from, std::int64_t count, std::int64_t depth, const std::int64_t* places) {
    if (places == nullptr)
        pack<T, size>(to, from, depth, 1, count, depth);
    else
        pack<T, size>(to, from, depth, 1, count, depth, [places](std::int64_t p) { return places[p]; });
}

template <typename T>
void pack_weights(void* out, const void* in, std::int64_t filters, std::int64_t depth,
                  const std::int64_t* places) {
    constexpr std::int64_t size = tile_columns<T>;
    T* const to = static_cast<T*>(out);
    const T* const from = static_cast<const T*>(in);
    if (filters_in_lanes<T>(filters)) {
        for (std::int64_t first = 0; first < filters; first += size) {
            const std::int64_t count = std::min(size, filters - first), at = first * depth;
            if (count > width<T>)
                pack_panel<T, size>(to + at, from + at, count, depth, places);
            else
                pack_panel<T, width<T>>(to + at, from + at, count, depth, places);
        }
        return;
    }
    const Tiles tiles(filters);
    for (std::int64_t t = 0; t < tiles.count; ++t) {
        const std::int64_t first = t * tiles.height;
        pack_panel<T, tile_rows>(to + t * tile_rows * depth, from + first * depth,
                                 std::min(tiles.height, filters - first), depth, places);
    }
}

// tile = or += weights x rows of the image that start at the offsets: `rows` filters by vectors of pixels, or
// with `lanes` `rows` pixels by vectors of filters.
template <typename T, bool lanes, int vectors, int rows>
__attribute__((noinline)) void convolve_kernel(std::int64_t depth, const T* weights, const T* image,
                                               const std::int64_t* offsets, T* tile, bool accumulate) {
    using V = Vector<T>;
    V sum[rows][vectors] = {};
    for (std::int64_t p = 0; p < depth; ++p) {
        const T* const pixels = image + offsets[p];
        const T* const one = lanes ? pixels : weights;
        const T* const many = lanes ? weights : pixels;
        weights += lanes ? vectors * width<T> : tile_rows;
        V row[vectors];
#pragma GCC unroll 2
        for (int j = 0; j < vectors; ++j) row[j] = load(many + j * width<T>);
#pragma GCC unroll 14
        for (int i = 0; i < rows; ++i) {
            const V factor = one[i] - V{};
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
        }
    }
    store_sums<T>(sum, tile, vectors * width<T>, accumulate);
}

template <typename T, bool lanes, int vectors, int rows = tile_rows>
void convolve_rows(std::int64_t height, std::int64_t depth, const T* weights, const T* image,
                   const std::int64_t* offsets, T* tile, bool accumulate) {
    if constexpr (rows > 1) {
        if (height < rows)
            return convolve_rows<T, lanes, vectors, rows - 1>(height, depth, weights, image, offsets, tile,
                                                              accumulate);
    }
    convolve_kernel<T, lanes, vectors, rows>(depth, weights, image, offsets, tile, accumulate);
}

template <typename T> Vector<T> rectified(Vector<T> x) { return x < T(0) ? Vector<T>{} : x; }  // keeps NaN

// Sums of more terms than this are put together from parts: it keeps the rounding errors small.
constexpr std::int64_t most_depth = 512;

// A run of a tile's pixels that lies in one row of the output.
struct Run {
    std::int64_t tile, y, length;
};

// Pixels first .. first + size - 1 of the block, for all filters of the group of tiles begin .. end - 1.
template <typename T, int vectors>
void convolve_tile(const ConvolveCall& call, std::int64_t begin, std::int64_t end, std::int64_t first) {
    constexpr int size = vectors * width<T>;
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
    const Tiles tiles(call.filters);
    const T* const image = static_cast<const T*>(call.image) + first;
    const T* const bias = static_cast<const T*>(call.epilogue.bias);
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
        const T* const weights = static_cast<const T*>(call.weights) + t * tile_rows * call.depth;
        for (std::int64_t p = 0; p < call.depth; p += most_depth)
            convolve_rows<T, false, vectors>(height, std::min(most_depth, call.depth - p),
                                             weights + p * tile_rows, image, call.offsets + p, tile,
                                             p > 0 || bias != nullptr);
        if (rectifies(call.epilogue))
            for (std::int64_t i = 0; i < height * size; i += width<T>)
                store(tile + i, rectified<T>(load(tile + i)));
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

template <typename T> void convolve_pixels_in_lanes(const ConvolveCall& call) {
    constexpr std::int64_t size = tile_columns<T>, half = size / 2;
    // Weights that are read again for each tile of pixels should stay in the second-level cache.
    constexpr std::int64_t most_bytes = 1 << 18;
    const Tiles tiles(call.filters);
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

// Vectors of pixels of a filter that is alone, from one row.
template <typename T, int vectors> void convolve_pixels(const ConvolveCall& call, const T* image, T* y) {
    alignas(64) T sums[vectors * width<T>];
    convolve_kernel<T, false, vectors, 1>(call.depth, static_cast<const T*>(call.weights), image,
                                          call.offsets, sums, false);
    const T* const bias = static_cast<const T*>(call.epilogue.bias);
    for (int j = 0; j < vectors; ++j) {
        Vector<T> sum = load(sums + j * width<T>);
        if (bias != nullptr) sum += *bias;
        store(y + j * width<T>, rectifies(call.epilogue) ? rectified<T>(sum) : sum);
    }
}

// One filter, as in a depthwise convolution, for rows of a vector and more: a tile of filters would be empty
// but for one.
template <typename T> void convolve_one_filter(const ConvolveCall& call) {
    constexpr std::int64_t w = width<T>;
    for (std::int64_t row = 0; row < call.rows; ++row) {
        const T* const image = static_cast<const T*>(call.image) + row * call.width;
        T* const y = static_cast<T*>(call.y) + row * call.columns;
        std::int64_t at = 0;
        for (; call.columns - at >= 2 * w; at += 2 * w) convolve_pixels<T, 2>(call, image + at, y + at);
        // The last vector ends with the row: what it has in common with the one before is computed twice.
        for (; at < call.columns; at += w) {
            const std::int64_t first = std::min(at, call.columns - w);
            convolve_pixels<T, 1>(call, image + first, y + first);
        }
    }
}

// y[filter][pixel] = sums[pixel][filter] + bias[filter], then relu if asked;
// bias has a whole number of vectors.
template <typename T, int vectors>
void store_pixels(T* y, std::int64_t y_filter, std::int64_t filters, const T* sums, std::int64_t pixels,
                  const T* bias, bool relu) {
    constexpr std::int64_t w = width<T>, size = vectors * w;
    for (std::int64_t v = 0; v < vectors; ++v) {
        const std::int64_t count = std::min(w, filters - v * w);
        const Vector<T> add = load(bias + v * w);
        for (std::int64_t done = 0; done < pixels; done += w) {
            // The last square ends with the last pixel; it has some in common with the one before.
            const std::int64_t first = std::max<std::int64_t>(0, std::min(done, pixels - w));
            Vector<T> square[w];
#pragma GCC unroll 16
            for (int i = 0; i < w; ++i) square[i] = load(sums + (first + i) * size + v * w) + add;
            if (relu) {
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) square[i] = rectified<T>(square[i]);
            }
            transpose<T>(square);
            T* const to = y + v * w * y_filter + first;
            const auto bytes = static_cast<std::size_t>(std::min(w, pixels)) * sizeof(T);
            if (count == w && pixels >= w) {
#pragma GCC unroll 16
                for (int i = 0; i < w; ++i) store(to + i * y_filter, square[i]);
            } else {
                for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * y_filter, &square[i], bytes);
            }
        }
    }
}

// A panel of filters: `weights` and `y` are those of its first. Some tiles of pixels are summed up together,
// so that the part of the weights they are multiplied with stays in the first-level cache meanwhile.
template <typename T, int vectors>
void convolve_panel(const ConvolveCall& call, const T* weights, std::int64_t filters, const T* bias, T* y) {
    constexpr std::int64_t size = vectors * width<T>, most_tiles = 8, most_pixels = most_tiles * tile_rows;
    alignas(64) T sums[(most_pixels + width<T>)*size];
    alignas(64) T add[size] = {};
    if (bias != nullptr) std::copy_n(bias, filters, add);
    const bool dense = call.width == call.columns;
    const std::int64_t lines = dense ? 1 : call.rows, line = dense ? call.rows * call.columns : call.columns;
    const Tiles tiles(line);
    for (std::int64_t first = 0; first < lines * tiles.count; first += most_tiles) {
        const std::int64_t last = std::min(first + most_tiles, lines * tiles.count);
        std::int64_t held = 0;
        for (std::int64_t p = 0; p < call.depth; p += call.part) {
            const std::int64_t kernel_row = std::min(call.part, call.depth - p) / call.kernel_rows;
            held = 0;
            for (std::int64_t t = first; t < last; ++t) {
                const std::int64_t at = t % tiles.count * tiles.height;
                const std::int64_t pixels = std::min(tiles.height, line - at);
                if (p == 0)
                    for (std::int64_t f = 0; f < filters; ++f)
                        __builtin_prefetch(y + held + f * call.y_filter, 1);
                const std::int64_t l = t / tiles.count;
                const Range inside = call.inside && !dense ? call.inside[l] : Range{0, call.kernel_rows};
                const std::int64_t begin = p + inside.first * kernel_row;
                const std::int64_t terms = (inside.last - inside.first) * kernel_row;
                if (terms > 0 || p == 0)
                    convolve_rows<T, true, vectors>(pixels, terms, weights + begin * size,
                                                    static_cast<const T*>(call.image) + l * call.width + at,
                                                    call.offsets + begin, sums + held * size, p > 0);
                held += pixels;
            }
        }
        store_pixels<T, vectors>(y, call.y_filter, filters, sums, held, add, rectifies(call.epilogue));
        y += held;
    }
}

template <typename T> void convolve(const ConvolveCall& call) {
    if (call.filters == 1 && call.depth <= most_depth && call.columns >= width<T>)
        return convolve_one_filter<T>(call);
    if (!filters_in_lanes<T>(call.filters)) return convolve_pixels_in_lanes<T>(call);
    constexpr std::int64_t size = tile_columns<T>;
    for (std::int64_t first = 0; first < call.filters; first += size) {
        const std::int64_t filters = std::min(size, call.filters - first);
        const T* const weights = static_cast<const T*>(call.weights) + first * call.depth;
        const T* const bias =
            call.epilogue.bias ? static_cast<const T*>(call.epilogue.bias) + first : nullptr;
        T* const y = static_cast<T*>(call.y) + first * call.y_filter;
        if (filters > width<T>)
            convolve_panel<T, 2>(call, weights, filters, bias, y);
        else
            convolve_panel<T, 1>(call, weights, filters, bias, y);
    }
}

template <typename T> ConvolutionKernels table_of() {
    // Of the first-level cache, what the other operands leave to the weights.
    constexpr std::int64_t part_bytes = 24 << 10;
    return {tile_columns<T>,      part_bytes / (tile_columns<T> * static_cast<std::int64_t>(sizeof(T))),
            most_gradients,       packed_size<T>,
            pack_weights<T>,      convolve<T>,
            correlate_scratch<T>, correlate<T>};
}

}  // namespace

void add_convolution(Kernels& table) {
    table.convolution[0] = table_of<float>();
    table.convolution[1] = table_of<double>();
}

}  // namespace adjoint::cpu::ADJOINT_ISA
