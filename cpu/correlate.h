// The gradient of a convolution's weights: sums over pixels of the image that an element of the kernel meets,
// and of the gradient there. Compiled once per level (vectors.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <adjoint/cpu/kernels/kernels.h>
#include <adjoint/cpu/vectors.h>

namespace adjoint::cpu::ADJOINT_ISA {
namespace {

using namespace vectors;

constexpr std::int64_t cache_line = 64;

// Memory that is to be brought near, some at a time.
class Ahead {
  public:
    Ahead(const void* first, std::int64_t bytes, std::int64_t times)
        : at_(static_cast<const char*>(first)),
          end_(at_ + bytes),
          step_(round_up((bytes + times - 1) / times, cache_line)) {}
    void fetch() {
        const char* const last = end_ - at_ < step_ ? end_ : at_ + step_;
        for (; at_ < last; at_ += cache_line) __builtin_prefetch(at_, 0, 2);
        at_ = last;
    }

  private:
    const char *at_, *end_;
    std::int64_t step_;
};

// Pixels of the output taken together, so that their gradients, packed, stay in the first-level cache.
constexpr std::int64_t most_gradients = 144;

// Rows of them.
std::int64_t row_step(const CorrelateCall& call) {
    const std::int64_t most = std::clamp<std::int64_t>(most_gradients / call.columns, 1, call.rows);
    const std::int64_t steps = (call.rows + most - 1) / most;
    return (call.rows + steps - 1) / steps;
}

// What one filter takes, and what a tile of them does.
template <typename T> std::int64_t one_filter_scratch(const CorrelateCall& call) {
    return round_up(call.rows * call.width, width<T>);
}
template <typename T> std::int64_t correlate_scratch(const CorrelateCall& call) {
    return std::max(one_filter_scratch<T>(call),
                    call.samples * row_step(call) * call.columns * tile_columns<T>);
}

// `lines` x `columns` pixels of some samples, their lines `width` apart.
struct Pixels {
    std::int64_t samples, sample, lines, width, columns;
};

// sums = or += pixels of `rows` channels, `plane` apart, x g.
template <typename T, int vectors, int rows>
__attribute__((noinline)) void correlate_kernel(const Pixels& pixels, const T* image, std::int64_t plane,
                                                const T* g, T* sums, bool accumulate) {
    using V = Vector<T>;
    V sum[rows][vectors] = {};
    const RowSteps<T, rows> steps(plane);
    for (std::int64_t n = 0; n < pixels.samples; ++n, image += pixels.sample) {
        const T* line = image;
        for (std::int64_t l = 0; l < pixels.lines; ++l, line += pixels.width) {
            for (std::int64_t p = 0; p < pixels.columns; ++p, g += vectors * width<T>) {
                V row[vectors];
#pragma GCC unroll 2
                for (int j = 0; j < vectors; ++j) row[j] = load(g + j * width<T>);
#pragma GCC unroll 14
                for (int i = 0; i < rows; ++i) {
                    const V factor = *steps.at(line + p, i) - V{};
#pragma GCC unroll 2
                    for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
                }
            }
        }
    }
    store_sums<T>(sum, sums, tile_columns<T>, accumulate);
}

template <typename T, int vectors, int rows = tile_rows>
void correlate_rows(std::int64_t height, const Pixels& pixels, const T* image, std::int64_t plane, const T* g,
                    T* sums, bool accumulate) {
    if constexpr (rows > 1) {
        if (height < rows)
            return correlate_rows<T, vectors, rows - 1>(height, pixels, image, plane, g, sums, accumulate);
    }
    correlate_kernel<T, vectors, rows>(pixels, image, plane, g, sums, accumulate);
}

template <typename T, int vectors> void correlate_block(const CorrelateCall& call) {
    constexpr int size = vectors * width<T>;
    const T* const image = static_cast<const T*>(call.image);
    const T* const g = static_cast<const T*>(call.g);
    T* const sums = static_cast<T*>(call.sums);
    T* const packed = static_cast<T*>(call.scratch);
    const Tiles tiles(call.channels);
    const std::int64_t step = row_step(call);
    const std::int64_t calls = (call.rows + step - 1) / step * tiles.count * call.taps;
    Ahead image_ahead(call.image_ahead, call.image_ahead_bytes, calls);
    Ahead g_ahead(call.g_ahead, call.g_ahead_bytes, calls);
    for (std::int64_t row = 0; row < call.rows; row += step) {
        const std::int64_t rows = std::min(step, call.rows - row);
        for (std::int64_t n = 0; n < call.samples; ++n)
            pack<T, size>(packed + n * rows * call.columns * size, g + n * call.g_sample + row * call.columns,
                          call.g_filter, 1, call.filters, rows * call.columns);
        const Pixels pixels{call.samples, call.image_sample, rows, call.width, call.columns};
        for (std::int64_t c = 0; c < call.channels; c += tiles.height)
            for (std::int64_t t = 0; t < call.taps; ++t) {
                image_ahead.fetch();
                g_ahead.fetch();
                correlate_rows<T, vectors>(
                    std::min(tiles.height, call.channels - c), pixels,
                    image + c * call.plane + call.offsets[t] + row * call.width, call.plane, packed,
                    sums + (t * call.channels + c) * tile_columns<T>, !call.fresh || row > 0);
            }
    }
}

// totals[i] = the sum over n pixels of g and what tap i meets. g has zeros up to a whole vector; behind the
// pixels of the image there may be anything.
template <typename T, int count>
void correlate_taps(const T* image, const std::int64_t* offsets, const T* g, std::int64_t n, T* totals) {
    constexpr std::int64_t w = width<T>;
    Vector<T> sum[count] = {};
    std::int64_t p = 0;
    for (; p + w <= n; p += w) {
        const Vector<T> factor = load(g + p);
#pragma GCC unroll 9
        for (int i = 0; i < count; ++i) sum[i] = multiply_add(load(image + offsets[i] + p), factor, sum[i]);
    }
    for (int i = 0; i < count; ++i) {
        if (p < n) {
            Vector<T> rest{};
            std::memcpy(&rest, image + offsets[i] + p, static_cast<std::size_t>(n - p) * sizeof(T));
            sum[i] = multiply_add(rest, load(g + p), sum[i]);
        }
        totals[i] = sum[i][0];
        for (int lane = 1; lane < w; ++lane) totals[i] += sum[i][lane];
    }
}

// One filter, as in a depthwise convolution: in a tile its gradients would fill a single lane, so pixels lie
// in the lanes. g is copied into rows as far apart as the image's, with zeros between them.
template <typename T> class OneFilter {
  public:
    explicit OneFilter(const CorrelateCall& call) : call_(call), g_(static_cast<T*>(call.scratch)) {
        std::fill_n(g_, one_filter_scratch<T>(call), T(0));
    }

    void add(std::int64_t sample) const {
        const T* const from = static_cast<const T*>(call_.g) + sample * call_.g_sample;
        for (std::int64_t row = 0; row < call_.rows; ++row)
            std::memcpy(g_ + row * call_.width, from + row * call_.columns,
                        static_cast<std::size_t>(call_.columns) * sizeof(T));
        for (std::int64_t c = 0; c < call_.channels; ++c) {
            const T* const image =
                static_cast<const T*>(call_.image) + sample * call_.image_sample + c * call_.plane;
            for (std::int64_t t = 0; t < call_.taps;) {
                const std::int64_t left = call_.taps - t;
                T totals[9];
                const auto run = left >= 9   ? correlate_taps<T, 9>
                                 : left >= 3 ? correlate_taps<T, 3>
                                             : correlate_taps<T, 1>;
                run(image, call_.offsets + t, g_, (call_.rows - 1) * call_.width + call_.columns, totals);
                const std::int64_t end = t + (left >= 9 ? 9 : left >= 3 ? 3 : 1);
                for (const T* total = totals; t < end; ++t, ++total)
                    put((t * call_.channels + c) * tile_columns<T>, *total, image + call_.offsets[t], sample);
            }
        }
    }

  private:
    void put(std::int64_t place, T total, const T* image, std::int64_t sample) const {
        T& sum = static_cast<T*>(call_.sums)[place];
        if (!(total - total == T(0))) total = inside(image);
        sum = call_.fresh && sample == 0 ? total : sum + total;
    }
    // Without what lies between the rows, which is not the tap's and times zero may be NaN.
    T inside(const T* image) const {
        T total = 0;
        for (std::int64_t row = 0; row < call_.rows; ++row)
            for (std::int64_t p = row * call_.width; p < row * call_.width + call_.columns; ++p)
                total = multiply_add(image[p], g_[p], total);
        return total;
    }

    const CorrelateCall& call_;
    T* const g_;
};

template <typename T> void correlate(const CorrelateCall& call) {
    if (call.filters == 1) {
        const OneFilter<T> filter(call);
        for (std::int64_t n = 0; n < call.samples; ++n) filter.add(n);
        return;
    }
    if (call.filters <= width<T>)
        correlate_block<T, 1>(call);
    else
        correlate_block<T, 2>(call);
}

}  // namespace
}  // namespace adjoint::cpu::ADJOINT_ISA
