// The table of vectorised kernels. Each instruction set level fills one;
// the best that the machine runs is used.
//
// A kernel sees contiguous blocks of one compute type (f32, f64 or i64). Strides, broadcasting and conversion
// are the drivers' business (block.h), so a functor is compiled once per type and level.
#pragma once

#include <cstddef>
#include <cstdint>

#include <adjoint/core/base/dtype.h>
#include <adjoint/core/contract/calls/recurrence.h>
#include <adjoint/core/contract/epilogue.h>
#include <adjoint/core/contract/functors/functors.h>
#include <adjoint/core/contract/functors/reduce.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/core/contract/windows.h>

namespace adjoint::cpu {

/// Column of the tables: the compute type.
enum Compute : int { compute_f32 = 0, compute_f64 = 1, compute_i64 = 2, compute_count = 3 };

/// Rows of the conversion tables: the stored types.
inline constexpr std::size_t stored_count = static_cast<std::size_t>(DType::boolean) + 1;

constexpr Compute compute_column(DType compute) noexcept {
    return compute == DType::f32 ? compute_f32 : (compute == DType::f64 ? compute_f64 : compute_i64);
}

using ConvertKernel = void (*)(void* to, const void* from, std::int64_t n);
using MapKernel = void (*)(const void* functor, void* out, const void* x, std::int64_t n);
using ZipKernel = void (*)(const void* functor, void* out, const void* a, const void* b, std::int64_t n);

/// Reduces a dense row of n elements to *out; accumulates in a fixed pattern that depends on n alone.
using ReduceRowKernel = void (*)(void* out, const void* x, std::int64_t n);
/// acc[j] = acc[j] op x[i * stride + j] for i = 0 .. rows-1 in order; `fresh` starts acc.
using ReduceColumnsKernel = void (*)(void* acc, const void* x, std::int64_t stride, std::int64_t rows,
                                     std::int64_t columns, bool fresh);
/// a[j] = a[j] op b[j]
using CombineKernel = void (*)(void* a, const void* b, std::int64_t n);

struct ReduceKernels {
    ReduceRowKernel row;
    ReduceColumnsKernel columns;
    CombineKernel combine;
};

using UpdateKernel = void (*)(const void* functor, void* parameter, const void* gradient, void* const* states,
                              std::int64_t n);

/// What one matrix product of a batch needs; element strides.
struct GemmCall {
    void* c;
    const void* a;
    const void* b;
    std::int64_t m, n, k, c_row, a_row, a_column, b_row, b_column;
    Epilogue epilogue = {};
};

/// C (+)= A B + bias for one packed panel of B, on the caller's thread; the sums are those of a GemmCall.
struct PanelCall {
    void* c = nullptr;
    const void* a = nullptr;  // its rows or its columns are adjacent
    const void* b = nullptr;  // packed
    std::int64_t m = 0, k = 0, columns = 0, c_row = 0, a_row = 0, a_column = 0;
    const void* bias = nullptr;
    bool accumulate = false;  // adds to C
};

struct PanelKernels {
    std::int64_t rows, columns;  // of the tile that registers hold
    /// A panel, k rows of `columns` elements: at most as many columns of B, the others 0.
    void (*pack)(void* to, const void* b, std::int64_t b_row, std::int64_t b_column, std::int64_t count,
                 std::int64_t k);
    void (*multiply)(const PanelCall& call);
};

/// Lines of bf16: rows of A or columns of B, `line` numbers from one to the next, `along` along k.
struct PairLines {
    const std::uint16_t* first;
    std::int64_t line, along, count, k;
};
/// C = A B + bias, of packed rows of A and packed columns of B; each sum is taken in f32 and rounded once.
struct PairCall {
    std::uint16_t* c;
    const std::uint32_t *a, *b;
    std::int64_t m, n, pairs, c_row;
    const float* bias;  // may be null
};
/// Products of bf16 by instructions for pairs, two neighbours along k.
struct PairKernels {
    std::int64_t rows, columns;  // of a tile of sums, and so of packed lines that lie together
    std::int64_t step;           // pairs are packed and multiplied by so many at once
    std::int64_t task_work;      // floating-point operations that pay for a wake-up
    /// At most as many lines as a tile has, of `pairs` pairs, the rest of the lines and of k being 0.
    void (*pack_rows)(std::uint32_t* to, const PairLines& lines, std::int64_t pairs);
    void (*pack_columns)(std::uint32_t* to, const PairLines& lines, std::int64_t pairs);
    void (*multiply)(const PairCall& call);
};

/// Neighbouring units of a recurrent layer in one step of some samples. Rows of gates are gate_row apart, all
/// others hidden, and so are the gates of a unit.
struct RecurrentUnits {
    RecurrentKind kind;
    std::int64_t rows, units, hidden, gate_row;
    void* gates;              // forward: their sums, of which it makes their values
    void* more;               // of LSTM the cell, which forward writes; of GRU the candidate's part of h
    const void* cell_before;  // of LSTM
    const void* state_before;
    void* state;  // forward writes it
};
/// And on the way back.
struct RecurrentUnitsBackward {
    RecurrentUnits forward;
    const void* g;  // of what the step gives
    void* g_state;  // of the state, then what reaches the state before past the gates
    void* g_cell;   // of LSTM: of the cell, then of the cell before
    void* g_gates;  // written: before their functions
    void* g_more;   // of GRU, written: of the candidate's part of h
};
struct RecurrentKernels {
    void (*forward)(const RecurrentUnits& units);
    void (*backward)(const RecurrentUnitsBackward& units);
};

/// A block of scores of attention, rows of queries `row` apart: the sums of products with the keys.
struct AttentionScores {
    void* scores = nullptr;
    const void* added = nullptr;  // by the mask, laid out as they; may be null
    std::int64_t rows = 0, columns = 0, row = 0;
    bool causal = false;
    std::int64_t seen = 0;  // then query r sees the first seen + r keys alone
    double scale = 1;
};
/// Scores become weights but for the factor 1 / total; a new greatest score makes what stands in `out`,
/// `values` numbers for each row, smaller.
struct AttentionSoftmax {
    AttentionScores block;
    void *tops, *totals, *out;  // of each row, of all blocks so far: -inf, 0 and 0 before the first
    std::int64_t values;
};
/// to = out / total, and the logarithms of the sums, unless null.
struct AttentionFinish {
    std::int64_t rows, values;
    const void *tops, *totals, *out;
    void* to;
    std::int64_t to_row;
    void* log_sums;
};
/// Scores become weights, and g, that of the weights, the gradient of the sums.
struct AttentionGradient {
    AttentionScores block;
    void* g;  // laid out as the scores
    const void *log_sums, *dots;
};
/// to[r] = the product of two rows.
struct AttentionDots {
    void* to;
    const void *a, *b;
    std::int64_t rows, columns, a_row, b_row;
};
struct AttentionKernels {
    void (*softmax)(const AttentionSoftmax& call);
    void (*finish)(const AttentionFinish& call);
    void (*gradient)(const AttentionGradient& call);
    void (*dots)(const AttentionDots& call);
};

/// n elements of a channel of batch normalisation: y = (x - centre) scale + shift, through
/// ReLU if it rectifies.
struct ChannelRun {
    std::int64_t n;
    const void* x;
    void* y;
    double centre, scale, shift;
    bool rectify;
};
/// dx = scale (g - mean_g - h mean_gh) for h = (x - centre) inverse; g behind ReLU where
/// its results are saved.
struct ChannelGradientRun {
    std::int64_t n;
    const void *g, *saved, *x;
    void* dx;
    double centre, inverse, scale, mean_g, mean_gh;
};
struct BatchNormKernels {
    double (*sum)(const void* x, std::int64_t n);
    double (*square)(const void* x, std::int64_t n, double mean);
    void (*forward)(const ChannelRun& run);
    void (*gradient_sums)(const ChannelGradientRun& run, double* of_g, double* of_gh);  // added to
    void (*backward)(const ChannelGradientRun& run);
};

/// Rows of y = (x - mean) inverse_std weight + bias; weight and bias may be null.
struct LayerNormRows {
    std::int64_t rows, columns;
    const void *x, *weight, *bias;
    double eps;
    void *y, *mean, *inverse_std;
};
/// Their gradients, each of which may be null; those of weight and bias are added to what is there.
struct LayerNormGradients {
    std::int64_t rows, columns;
    const void *g, *x, *mean, *inverse_std, *weight;
    void *dx, *dweight, *dbias;
};
struct LayerNormKernels {
    void (*forward)(const LayerNormRows& rows);
    void (*backward)(const LayerNormGradients& rows);
};

using SoftmaxKernel = void (*)(bool log, void* out, const void* x, std::int64_t columns);
using SoftmaxBackwardKernel = void (*)(bool log, void* dx, const void* g, const void* y,
                                       std::int64_t columns);
/// One row of `counted` rows: writes the loss and, unless null, (softmax - onehot) / counted.
using CrossEntropyKernel = void (*)(void* loss, void* gradient, const void* logits, std::int64_t target,
                                    std::int64_t columns, std::int64_t counted);
/// out = x scaled by 1 / (1 - p) where the element's number is at least p, else 0;
/// elements first .. first + n - 1.
using DropoutKernel = void (*)(void* out, const void* x, std::int64_t first, std::int64_t n, double p,
                               std::uint64_t seed, std::uint64_t stream);
/// Random numbers for elements first .. first + n - 1; first is a multiple of 4.
using RandomKernel = void (*)(void* out, std::int64_t first, std::int64_t n, std::uint64_t seed,
                              std::uint64_t stream);

/// y = bias + weights x image rows for a block of the output: `rows` x `columns` of it, which are `width`
/// pixels apart in the image. From each offset on, as many elements of the image can be read as the block
/// spans, and at least tile columns.
struct ConvolveCall {
    void* y;                      // first element of the block in the first filter's plane
    const void* weights;          // packed
    const void* image;            // prepared
    const std::int64_t* offsets;  // of the image's row for each row of the product
    // The product is summed up in parts, each of which begins with what the first row of the kernel meets.
    std::int64_t part, kernel_rows;
    const Range* inside;  // per row of y: the rows of the kernel that meet the image; null: all
    std::int64_t filters, depth, y_filter, width, rows, columns;
    Epilogue epilogue;  // its bias, and ReLU where that is all
};

/// sums[tap][channel][filter] += image rows x g for some samples, several of which have whole planes; sums
/// are tile columns apart.
struct CorrelateCall {
    void* sums;
    const void* image;            // prepared
    const void* g;                // of the first filter
    const std::int64_t* offsets;  // of each tap in a channel's part of the image
    std::int64_t taps, channels, plane, filters, g_filter, width, rows, columns;
    std::int64_t samples, image_sample, g_sample;
    bool fresh;  // begins the sums
    void* scratch;
    // The image and g of the next call, to be brought near meanwhile: bytes of it, may be none.
    const void* image_ahead;
    const void* g_ahead;
    std::int64_t image_ahead_bytes, g_ahead_bytes;
};

struct ConvolutionKernels {
    std::int64_t tile_columns;  // filters at most in a CorrelateCall
    std::int64_t most_part;     // a good size for the parts of a ConvolveCall
    std::int64_t most_pixels;   // of so many at most g is packed at a time
    std::int64_t (*packed_size)(std::int64_t filters, std::int64_t depth);
    /// Element p of a filter is to be row places[p] of the product; null: p.
    void (*pack_weights)(void* to, const void* w, std::int64_t filters, std::int64_t depth,
                         const std::int64_t* places);
    void (*convolve)(const ConvolveCall& call);
    std::int64_t (*correlate_scratch)(const CorrelateCall& call);  // elements
    void (*correlate)(const CorrelateCall& call);
};

/// Winograd's convolutions: outputs along a side of a tile, and what a tile is turned into.
constexpr int winograd_outputs = 4, winograd_points = 36, winograd_taps = 9;

/// A row of tiles of one sample, on its way from pixels to points or back: channel c of tile t is at point p
/// in points[p * point_step + c / lanes * channel_step + t * tile_step + c % lanes].
struct WinogradStrip {
    const float* from = nullptr;
    float* to = nullptr;
    Epilogue epilogue = {};  // of the outputs: its bias, and ReLU where that is all
    std::int64_t channels = 0, height = 0, width = 0;
    std::int64_t row = 0, column = 0, tiles = 0;  // the first pixel of the first tile may lie outside
    std::int64_t point_step = 0, channel_step = 0, tile_step = 0;
    float* scratch = nullptr;  // for the pixels under the tiles in as many channels as there are lanes
};

/// For each point the product of a block of tiles with some filters. The channels of `filter` are a whole
/// number of vectors, `filters` is one or two. Here and below points are `filter_step` apart in it.
struct WinogradProduct {
    const float* image;  // (point, channel / lanes, tile, channel % lanes)
    float* filter;       // (point, channel, filter)
    float* output;       // (point, tile, filter)
    std::int64_t tiles, channels, filters, image_step, channel_step, filter_step, output_step;
};

/// Some channels of at most most_filters filters of 3 x 3, and their points. Filters lie `step` apart in w.
/// Turned round they are those of the gradient's convolution: its filters lie where the channels do, and
/// `step` is from channel to channel.
struct WinogradFilters {
    float* points;
    const float* w;
    std::int64_t filters, channels, filter_step, step;
    bool turned;
};

/// The gradient of such filters, the points of which are the sum of `chunks` parts, chunk_step apart.
struct WinogradFilterGradient {
    float* dw;
    const float* points;
    std::int64_t filters, channels, filter_step, step, chunks, chunk_step;
};

struct WinogradKernels {
    std::int64_t lanes, most_filters;
    /// 0 up to a whole number of vectors of filters.
    void (*filter_points)(const WinogradFilters& filters);
    void (*image_points)(const WinogradStrip& strip);
    void (*multiply)(const WinogradProduct& product, bool fresh);  // adds to output, or begins it
    void (*outputs)(const WinogradStrip& strip);
    void (*gradient_points)(const WinogradStrip& strip);
    void (*accumulate)(const WinogradProduct& product, bool fresh);  // adds to filter, or begins it
    void (*filter_gradient)(const WinogradFilterGradient& gradient);
};

/// to[c * to_row + r] = from[r * from_row + c]
struct TransposeCall {
    void* to;
    const void* from;
    std::int64_t rows, columns, to_row, from_row;
};
using TransposeKernel = void (*)(const TransposeCall& call);

/// out[i] = x[0] + .. + x[i], or from the end to x[i], n of them; totals in double.
using RunningSumsKernel = void (*)(float* out, const float* x, std::int64_t n);

/// A row of windows that lie in the plane with all their taps: window o starts at place + o * stride.
struct MaxPoolCall {
    void* y;
    std::int64_t* indices;  // may be null
    const void* x;          // the plane
    std::int64_t place, stride, count;
    const std::int64_t* taps;  // distances from the window's start, in window order
    std::int64_t tap_count;
};
using MaxPoolKernel = void (*)(const MaxPoolCall& call);

struct Kernels {
    const char* level = "";
    // By stored type and compute type: a dense run of elements into the compute type, and back.
    ConvertKernel load[stored_count][compute_count] = {};
    ConvertKernel store[stored_count][compute_count] = {};
    MapKernel map[functor::UnaryList::size][compute_count] = {};
    ZipKernel zip[functor::BinaryList::size][compute_count] = {};
    ReduceKernels reduce[functor::ReduceList::size][compute_count] = {};
    UpdateKernel update[functor::UpdateList::size][2] = {};
    void (*gemm[2])(const GemmCall&) = {};
    const PairKernels* pairs = nullptr;  // only where the processor has instructions for bf16
    PanelKernels panels[2] = {};
    RecurrentKernels recurrent[2] = {};
    AttentionKernels attention[2] = {};
    ConvolutionKernels convolution[2] = {};
    WinogradKernels winograd = {};
    MaxPoolKernel max_pool[2] = {};
    TransposeKernel transpose[2] = {};       // of elements of 4 and 8 bytes
    RunningSumsKernel running_sums[2] = {};  // from the start, from the end
    BatchNormKernels batch_norm[2] = {};
    LayerNormKernels layer_norm[2] = {};
    SoftmaxKernel softmax[2] = {};
    SoftmaxBackwardKernel softmax_backward[2] = {};
    CrossEntropyKernel cross_entropy[2] = {};
    DropoutKernel dropout[2] = {};
    RandomKernel uniform[2] = {};
    RandomKernel normal[2] = {};
};

/// The functor inside a variant, as the kernels take it.
template <class Variant> const void* payload(const Variant& op) {
    return std::visit([](const auto& f) { return static_cast<const void*>(&f); }, op);
}

/// The table in use: the best that the processor runs, or the level that $ADJOINT_CPU_LEVEL names.
/// errors: ValueError for a level that this build or this processor does not have.
const Kernels& kernels();

}  // namespace adjoint::cpu
