// Convolutions with 3 x 3 kernels by products at points (cpu/winograd_matrices.h): tiles to points and
// back, and the products. Channels and filters lie in the lanes of vectors.
//
// An output depends on the whole of its tile: a pixel that is not finite can make NaN of any output of the
// tiles that hold it, where the plain sum leaves those finite that do not meet it.
#include <adjoint/cpu/activate.h>
#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>
#include <adjoint/cpu/winograd_matrices.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;
using namespace winograd_detail;

// to[i * lanes + lane] = from[lane * step + i] for `count` lanes, 0 in the others.
void to_lanes(float* to, const float* from, std::int64_t step, std::int64_t count, std::int64_t length) {
    const std::int64_t rest = length < lanes ? 0 : length % lanes;
    pack<float, lanes>(to, from, step, 1, count, length - rest);
    // The last square ends with the last element; it has some in common with the one before.
    if (rest > 0) {
        const std::int64_t first = length - lanes;
        pack<float, lanes>(to + first * lanes, from + first, step, 1, count, lanes);
    }
}

// The reverse.
void from_lanes(float* to, const float* from, std::int64_t step, std::int64_t count, std::int64_t length) {
    const std::int64_t piece = std::min(lanes, length);
    for (std::int64_t done = 0; done < length; done += lanes) {
        const std::int64_t first = std::min(done, length - piece);
        V square[lanes];
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) square[i] = i < piece ? load(from + (first + i) * lanes) : V{};
        transpose<float>(square);
        if (count == lanes && piece == lanes) {
#pragma GCC unroll 16
            for (int i = 0; i < lanes; ++i) store(to + i * step + first, square[i]);
        } else {
            for (std::int64_t i = 0; i < count; ++i)
                std::memcpy(to + i * step + first, &square[i],
                            static_cast<std::size_t>(piece) * sizeof(float));
        }
    }
}

// Tiles of Matrix::from pixels a side, which lie `outputs` apart. Outside the planes are zeros.
template <class Matrix> void read_tiles(const WinogradStrip& s) {
    constexpr std::int64_t side = Matrix::from;
    const std::int64_t plane = s.height * s.width;
    const std::int64_t top = std::clamp<std::int64_t>(s.row, 0, s.height);
    const std::int64_t bottom = std::clamp(s.row + side, top, s.height);
    const std::int64_t left = std::clamp<std::int64_t>(s.column, 0, s.width);
    const std::int64_t right = std::clamp(s.column + (s.tiles - 1) * outputs + side, left, s.width);
    const std::int64_t columns = right - left;
    for (std::int64_t channel = 0; channel < s.channels; channel += lanes) {
        const std::int64_t count = std::min(lanes, s.channels - channel);
        const float* const from = s.from + channel * plane + top * s.width + left;
        if (columns == s.width)
            to_lanes(s.scratch, from, plane, count, (bottom - top) * columns);
        else
            for (std::int64_t i = 0; i < bottom - top; ++i)
                to_lanes(s.scratch + i * columns * lanes, from + i * s.width, plane, count, columns);
        for (std::int64_t t = 0; t < s.tiles; ++t) {
            const std::int64_t column = s.column + t * outputs;
            const std::int64_t corner = (s.row - top) * columns + column - left;
            const float* pixels = s.scratch + corner * lanes;
            std::int64_t step = columns * lanes;
            alignas(64) float tile[side * side * lanes];
            if (top > s.row || bottom < s.row + side || left > column || right < column + side) {
                pixels = tile;
                step = side * lanes;
                for (std::int64_t i = 0; i < side; ++i)
                    for (std::int64_t j = 0; j < side; ++j) {
                        const bool inside = s.row + i >= top && s.row + i < bottom && column + j >= left &&
                                            column + j < right;
                        store(tile + (i * side + j) * lanes,
                              inside ? load(s.scratch + (corner + i * columns + j) * lanes) : V{});
                    }
            }
            float* const to = s.to + channel / lanes * s.channel_step + t * s.tile_step;
            both_axes<Matrix>(
                [&](int i, int j)
                    __attribute__((always_inline)) { return load(pixels + i * step + j * lanes); },
                [&](int i, int j, V v)
                    __attribute__((always_inline)) { store(to + (i * points + j) * s.point_step, v); });
        }
    }
}

void write_outputs(const WinogradStrip& s) {
    const V least = (rectifies(s.epilogue) ? 0.0F : -__builtin_inff()) - V{};
    const std::int64_t plane = s.height * s.width;
    const std::int64_t rows = std::min<std::int64_t>(outputs, s.height - s.row);
    const std::int64_t columns = std::min(s.tiles * outputs, s.width - s.column), step = columns * lanes;
    // Runs of pixels that are contiguous in the planes.
    const std::int64_t runs = columns == s.width ? 1 : rows, length = rows * columns / runs;
    for (std::int64_t filter = 0; filter < s.channels; filter += lanes) {
        const std::int64_t count = std::min(lanes, s.channels - filter);
        float* const to = s.to + filter * plane + s.row * s.width + s.column;
        for (std::int64_t i = 0; i < count; ++i)
            for (std::int64_t run = 0; run < runs; ++run)
                for (std::int64_t at = 0; at < length; at += 64 / static_cast<std::int64_t>(sizeof(float)))
                    __builtin_prefetch(to + i * plane + run * s.width + at, 0, 2);
        V bias{};
        const auto finished = [&](V v) __attribute__((always_inline)) {
            v += bias;
            return v < least ? least : v;  // keeps NaN
        };
        if (s.epilogue.bias != nullptr)
            std::memcpy(&bias, static_cast<const float*>(s.epilogue.bias) + filter,
                        static_cast<std::size_t>(count) * sizeof(float));
        for (std::int64_t t = 0; t < s.tiles; ++t) {
            const float* const from = s.from + filter / lanes * s.channel_step + t * s.tile_step;
            const auto at_point = [&](int i, int j) __attribute__((always_inline)) {
                return load(from + (i * points + j) * s.point_step);
            };
            float* const pixels = s.scratch + t * outputs * lanes;
            const std::int64_t width = std::min<std::int64_t>(outputs, columns - t * outputs);
            if (rows == outputs && width == outputs) {
                both_axes<OutputMatrix>(
                    at_point, [&](int i, int j, V v) __attribute__((always_inline)) {
                        store(pixels + i * step + j * lanes, finished(v));
                    });
            } else {
                V tile[outputs][outputs];
                both_axes<OutputMatrix>(
                    at_point, [&](int i, int j, V v)
                                  __attribute__((always_inline)) { tile[i][j] = finished(v); });
                for (std::int64_t i = 0; i < rows; ++i)
                    for (std::int64_t j = 0; j < width; ++j) store(pixels + i * step + j * lanes, tile[i][j]);
            }
        }
        for (std::int64_t run = 0; run < runs; ++run)
            from_lanes(to + run * s.width, s.scratch + run * length * lanes, plane, count, length);
    }
}

// Kernels of some channels in as many filters as there are lanes.
constexpr std::int64_t some_channels = 16, kernel_size = taps * taps;
using FilterLanes = float[some_channels * kernel_size * lanes];

// Of the channel's kernels, one after the other, which are turned round.
void turned_to_lanes(float* to, const float* from, std::int64_t count) {
    constexpr std::int64_t whole = round_up(kernel_size, lanes);
    alignas(64) float kernels[lanes * kernel_size + whole] = {}, elements[whole * lanes];
    std::memcpy(kernels, from, static_cast<std::size_t>(count * kernel_size) * sizeof(float));
    pack<float, lanes>(elements, kernels, kernel_size, 1, count, whole);
    for (std::int64_t tap = 0; tap < kernel_size; ++tap)
        store(to + tap * lanes, load(elements + (kernel_size - 1 - tap) * lanes));
}

void filter_points(const WinogradFilters& f) {
    const std::int64_t row = round_up(f.filters, lanes);
    alignas(64) FilterLanes elements;
    for (std::int64_t first = 0; first < f.filters; first += lanes) {
        const std::int64_t count = std::min(lanes, f.filters - first);
        for (std::int64_t start = 0; start < f.channels; start += some_channels) {
            const std::int64_t channels = std::min(some_channels, f.channels - start);
            if (f.turned)
                for (std::int64_t c = 0; c < channels; ++c)
                    turned_to_lanes(elements + c * kernel_size * lanes,
                                    f.w + (start + c) * f.step + first * kernel_size, count);
            else
                to_lanes(elements, f.w + first * f.step + start * kernel_size, f.step, count,
                         channels * kernel_size);
            for (std::int64_t c = 0; c < channels; ++c) {
                const float* const from = elements + c * kernel_size * lanes;
                float* const out = f.points + (start + c) * row + first;
                both_axes<FilterMatrix>(
                    [&](int i, int j)
                        __attribute__((always_inline)) { return load(from + (i * taps + j) * lanes); },
                    [&](int i, int j, V v)
                        __attribute__((always_inline)) { store(out + (i * points + j) * f.filter_step, v); });
            }
        }
    }
}

void filter_gradient(const WinogradFilterGradient& f) {
    const std::int64_t row = round_up(f.filters, lanes);
    alignas(64) FilterLanes elements;
    for (std::int64_t first = 0; first < f.filters; first += lanes)
        for (std::int64_t start = 0; start < f.channels; start += some_channels) {
            const std::int64_t channels = std::min(some_channels, f.channels - start);
            for (std::int64_t c = 0; c < channels; ++c) {
                const float* const from = f.points + (start + c) * row + first;
                float* const to = elements + c * kernel_size * lanes;
                both_axes<FilterGradientMatrix>(
                    [&](int i, int j) __attribute__((always_inline)) {
                        const float* const point = from + (i * points + j) * f.filter_step;
                        V total = load(point);
                        for (std::int64_t chunk = 1; chunk < f.chunks; ++chunk)
                            total += load(point + chunk * f.chunk_step);
                        return total;
                    },
                    [&](int i, int j, V v)
                        __attribute__((always_inline)) { store(to + (i * taps + j) * lanes, v); });
            }
            from_lanes(f.dw + first * f.step + start * kernel_size, elements, f.step,
                       std::min(lanes, f.filters - first), channels * kernel_size);
        }
}

// out = or += one x many: `rows` of the one, row_step apart, by `vectors` of the many. Terms of the one lie
// term_step apart in runs that begin run_step apart.
template <int vectors, int row_step, int term_step, int rows>
__attribute__((noinline)) void product(std::int64_t terms, const float* one, std::int64_t run,
                                       std::int64_t run_step, const float* many, float* out, bool add) {
    V sum[rows][vectors] = {};
    for (; terms > 0; terms -= run, one += run_step) {
        const float* at = one;
        for (std::int64_t t = std::min(run, terms); t > 0; --t, at += term_step, many += vectors * lanes) {
            V row[vectors];
#pragma GCC unroll 2
            for (int j = 0; j < vectors; ++j) row[j] = load(many + j * lanes);
#pragma GCC unroll 14
            for (int i = 0; i < rows; ++i) {
                const V factor = at[i * row_step] - V{};
#pragma GCC unroll 2
                for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
            }
        }
    }
    store_sums<float>(sum, out, vectors * lanes, add);
}

template <int vectors, int rows = tile_rows>
void multiply_tiles(std::int64_t height, std::int64_t channels, const float* image, std::int64_t channel_step,
                    const float* filter, float* output, bool add) {
    if constexpr (rows > 1) {
        if (height < rows)
            return multiply_tiles<vectors, rows - 1>(height, channels, image, channel_step, filter, output,
                                                     add);
    }
    product<vectors, lanes, 1, rows>(channels, image, lanes, channel_step, filter, output, add);
}

template <int vectors> void multiply_panel(const WinogradProduct& p, bool fresh) {
    // Sums of more terms than this are put together from parts: it keeps the rounding errors small.
    constexpr std::int64_t most_terms = 32;
    const std::int64_t groups = (p.tiles + tile_rows - 1) / tile_rows;
    const std::int64_t height = (p.tiles + groups - 1) / groups;
    for (std::int64_t point = 0; point < winograd_points; ++point)
        for (std::int64_t t = 0; t < p.tiles; t += height)
            for (std::int64_t c = 0; c < p.channels; c += most_terms)
                multiply_tiles<vectors>(
                    std::min(height, p.tiles - t), std::min(most_terms, p.channels - c),
                    p.image + point * p.image_step + c / lanes * p.channel_step + t * lanes, p.channel_step,
                    p.filter + point * p.filter_step + c * p.filters,
                    p.output + point * p.output_step + t * p.filters, c > 0 || !fresh);
}

void multiply(const WinogradProduct& p, bool fresh) {
    p.filters > lanes ? multiply_panel<2>(p, fresh) : multiply_panel<1>(p, fresh);
}

template <int vectors> void accumulate_panel(const WinogradProduct& p, bool fresh) {
    constexpr int rows = lanes > 4 ? lanes / 2 : lanes;  // channels in a vector, or half of them
    const std::int64_t channels = round_up(p.channels, lanes);
    for (std::int64_t point = 0; point < winograd_points; ++point)
        for (std::int64_t c = 0; c < channels; c += rows)
            product<vectors, 1, lanes, rows>(
                p.tiles, p.image + point * p.image_step + c / lanes * p.channel_step + c % lanes, p.tiles, 0,
                p.output + point * p.output_step, p.filter + point * p.filter_step + c * p.filters, !fresh);
}

void accumulate(const WinogradProduct& p, bool fresh) {
    p.filters > lanes ? accumulate_panel<2>(p, fresh) : accumulate_panel<1>(p, fresh);
}

}  // namespace

void add_winograd(Kernels& table) {
    table.winograd = {
        lanes,         tile_columns<float>,        filter_points, read_tiles<ImageMatrix>, multiply,
        write_outputs, read_tiles<GradientMatrix>, accumulate,    filter_gradient};
}

}  // namespace adjoint::cpu::ADJOINT_ISA
