// The contract of a device: what a backend has to write, and the registry of the devices there are.
//
// Everything was checked on the floor above (shapes, types, devices; broadcasting has become strides of 0),
// so a backend validates nothing but the contents of index tensors. A functor crosses the virtual call as a
// variant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>

#include <adjoint/core/base/device.h>
#include <adjoint/core/contract/functors/functors.h>
#include <adjoint/core/contract/functors/reduce.h>
#include <adjoint/core/contract/functors/update.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/contract/loop.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/core/contract/recurrence.h>

namespace adjoint {

struct Uniform {};
struct Normal {};
struct Integers {
    std::int64_t low, high;
};
/// A permutation of 0 .. n-1.
struct Permutation {};
using RandomOp = std::variant<Uniform, Normal, Integers, Permutation>;

/// One tensor of an optimizer's step: dense, all of type `dtype`, `states` as many as the functor names.
struct UpdateSlice {
    void* parameter = nullptr;
    const void* gradient = nullptr;
    void* states[3] = {};
    std::int64_t numel = 0;
    DType dtype = DType::f32;
};

/// A gather or scatter along one dimension: the operand that is indexed has stride 0 there in the loop.
struct Indexing {
    const char* op = "";      // for the error message
    std::int64_t stride = 0;  // of the indexed operand along its dimension
    std::int64_t size = 0;    // of that dimension
};

/// Rows of a softmax or loss: `rows` dense rows of `columns` elements of type `dtype` (f32 or f64).
struct Rows {
    std::int64_t rows = 0, columns = 0;
    DType dtype = DType::f32;
};

/// What a fused softmax cross entropy reads and writes; `gradient` may be null.
struct CrossEntropy {
    const void* logits = nullptr;
    const std::int64_t* targets = nullptr;
    void* losses = nullptr;    // per row
    void* gradient = nullptr;  // softmax - onehot, per element
    void* counted = nullptr;   // one number: rows that are not ignored
    std::int64_t ignore_index = -100;
};

/// A batch of `batch` x `channels` x `inner` dense elements of type `dtype` (f32 or f64); weight, bias may be
/// null.
struct BatchNorm {
    std::int64_t batch = 0, channels = 0, inner = 1;
    DType dtype = DType::f32;
    double eps = 0;
    const void* x = nullptr;
    const void* weight = nullptr;
    const void* bias = nullptr;
    void* mean = nullptr;         // written by forward in training, read otherwise
    void* inverse_std = nullptr;  // likewise: 1 / sqrt(biased variance + eps)
    void* variance = nullptr;     // written by forward in training unless null: the biased variance
};

/// Windows sliding over planes: `batch` x `channels` dense planes of `size` elements of type `dtype` (f32 or
/// f64), each seen by `output` windows. Window o covers, per axis, the places o * stride - padding + dilation
/// * k for k below `kernel`; those outside the plane are padding. Axes: height, width (one dimension: height
/// 1).
struct Windows {
    std::int64_t batch = 0, channels = 0;
    std::int64_t size[2] = {1, 1}, kernel[2] = {1, 1}, stride[2] = {1, 1}, padding[2] = {0, 0},
                 dilation[2] = {1, 1}, output[2] = {1, 1};
    DType dtype = DType::f32;

    ADJOINT_HD std::int64_t plane() const { return size[0] * size[1]; }
    ADJOINT_HD std::int64_t taps() const { return kernel[0] * kernel[1]; }
    ADJOINT_HD std::int64_t outputs() const { return output[0] * output[1]; }
};

/// A cross-correlation in `groups`: x of `windows`, w (filters, channels / groups, kernel), y (batch,
/// filters, output); all dense. Neither batch nor channels, filters and outputs are 0.
struct Convolution {
    Windows windows;
    std::int64_t filters = 0, groups = 1;

    std::int64_t group_channels() const { return windows.channels / groups; }
    std::int64_t group_filters() const { return filters / groups; }
    std::int64_t depth() const { return group_channels() * windows.taps(); }  // of one product
};

/// What becomes of the sums of a convolution: the bias of the filter is added (of the type in which they are
/// summed, may be null), and with `relu` negative ones become 0.
struct Epilogue {
    const void* bias = nullptr;
    bool relu = false;
};

/// What the sum of an average is divided by: `divisor`, or if 0 the places of the window that lie in the
/// plane, with those of the padding where `count_padding`; places beyond the padding never count.
struct Average {
    bool count_padding = true;
    std::int64_t divisor = 0;
};

/// `outer` x `length` x `inner` dense elements of type `dtype` (f32, f64 or i64), taken along the middle.
struct Lines {
    std::int64_t outer = 1, length = 1, inner = 1;
    DType dtype = DType::f32;
};

class Backend {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    // Memory.
    virtual void* allocate(std::size_t bytes) = 0;
    virtual void release(void* memory, std::size_t bytes) noexcept = 0;
    virtual void copy_from_host(void* destination, const void* source, std::size_t bytes) = 0;
    virtual void copy_to_host(void* destination, const void* source, std::size_t bytes) = 0;
    virtual void synchronize() = 0;

    /// Runs `step` once and records what it does here. Errors: CaptureError.
    virtual std::shared_ptr<Recording> record(const std::function<void()>& step);

    // Elementwise.
    virtual void fill(const Loop<2>& out, double value) = 0;  // operand 1 is ignored
    virtual void map(const UnaryOp& op, const Loop<2>& loop) = 0;
    virtual void zip(const BinaryOp& op, const Loop<3>& loop) = 0;
    virtual void select(const Loop<4>& loop) = 0;  // out = condition ? a : b

    // Reductions.
    virtual void reduce(const ReduceOp& op, const ReductionLoop& reduction) = 0;
    /// Index (i64) of the first largest or smallest element; the first NaN wins.
    virtual void arg_reduce(bool largest, const ReductionLoop& reduction) = 0;

    // Products and indexing.
    virtual void matmul(const MatMul& product) = 0;
    virtual void gather(const Indexing& along, const Loop<3>& out_source_index) = 0;
    /// destination[index] += source, or = source; the last write wins.
    virtual void scatter(const Indexing& along, bool add, const Loop<3>& destination_source_index) = 0;

    // Random numbers and optimizers.
    virtual void random(const RandomOp& op, const Operand& out, std::int64_t numel, GeneratorState state) = 0;
    /// out = x / (1 - p) where the element's uniform number is at least p, else 0; dense.
    virtual void dropout(const Operand& out, const Operand& x, std::int64_t numel, double p,
                         GeneratorState state) = 0;
    virtual void update(const UpdateOp& op, std::span<const UpdateSlice> slices) = 0;

    // Fused rows.
    virtual void softmax(const Rows& rows, bool log, void* out, const void* x) = 0;
    virtual void softmax_backward(const Rows& rows, bool log, void* dx, const void* g, const void* y) = 0;
    virtual void cross_entropy(const Rows& rows, const CrossEntropy& loss) = 0;
    virtual void batch_norm(const BatchNorm& norm, bool training, void* y) = 0;
    virtual void batch_norm_backward(const BatchNorm& norm, const void* g, void* dx, void* dweight,
                                     void* dbias) = 0;
    /// y = (x - mean) * inverse_std for each row, inverse_std = 1 / sqrt(biased variance + eps) (one per
    /// row).
    virtual void normalize_rows(const Rows& rows, double eps, void* y, void* inverse_std, const void* x) = 0;
    /// dx = inverse_std (g - mean(g) - y mean(g y)), means over the row.
    virtual void normalize_rows_backward(const Rows& rows, void* dx, const void* g, const void* y,
                                         const void* inverse_std) = 0;

    // Along a dimension.
    /// out_i = x_0 op .. op x_i along each line, or x_i op .. op x_last if `reverse`; out may be x.
    virtual void scan(const ReduceOp& op, const Lines& lines, bool reverse, void* out, const void* x) = 0;
    /// Each row (f32, f64 or i64) in order, and where its elements came from. Stable, also when descending;
    /// NaN counts as larger than all numbers, and as equal to NaN.
    virtual void sort(const Rows& rows, bool descending, void* values, std::int64_t* indices,
                      const void* x) = 0;

    // Windows. Planes, columns and gradients are dense and written as a whole.
    /// columns (batch, channels * taps, outputs): what each window sees, 0 for padding.
    virtual void unfold(const Windows& windows, void* columns, const void* x) = 0;
    /// The transpose: each element of x is the sum of the columns' elements that came from it.
    virtual void fold(const Windows& windows, void* x, const void* columns) = 0;
    /// The largest of each window and its place in the plane (h * width + w; may be null). Padding is not
    /// looked at; the first of equals in window order wins, and the first NaN wins over all numbers. Every
    /// window holds a place of the plane.
    virtual void max_pool(const Windows& windows, void* y, std::int64_t* indices, const void* x) = 0;
    /// dx = the sums of g over the windows whose maximum stood there; a fixed order of summation.
    virtual void max_pool_backward(const Windows& windows, void* dx, const void* g,
                                   const std::int64_t* indices) = 0;
    virtual void avg_pool(const Windows& windows, const Average& average, void* y, const void* x) = 0;
    virtual void avg_pool_backward(const Windows& windows, const Average& average, void* dx,
                                   const void* g) = 0;

    // Convolutions: by unfold, matmul and fold unless a device has something better
    // (core/contract/convolution.cpp).
    /// Whether the device does this one in its 16-bit type, with sums in f32; they may be rounded before the
    /// bias comes to them. Otherwise the operands of all three come in f32 or f64.
    virtual bool convolves_narrow(const Convolution& c);
    virtual void convolution(const Convolution& c, void* y, const void* x, const void* w,
                             const Epilogue& epilogue);
    /// dx from g, which is shaped like y; also the forward pass of a transposed convolution.
    virtual void convolution_input(const Convolution& c, void* dx, const void* g, const void* w);
    virtual void convolution_weight(const Convolution& c, void* dw, const void* x, const void* g);

    // Recurrent layers: by operators, step by step (autograd/ops/recurrent.cpp), unless a device has better.
    /// Bytes of what the forward pass keeps for the backward pass; nothing where the device has neither.
    virtual std::optional<std::size_t> recurrence_reserve(const Recurrence& r);
    virtual void recurrence(const Recurrence& r, const RecurrentPass& pass);
    /// Reads the operands, y and reserve of the pass, and leaves them as they are: it may run again.
    virtual void recurrence_backward(const Recurrence& r, const RecurrentPass& pass,
                                     const RecurrentGradients& gradients);

  protected:
    /// What a convolution leaves to do where y already holds the sums.
    void finish(const Convolution& c, void* y, const Epilogue& epilogue);
    /// x = max(0, x), dense; NaN stays.
    void rectify(const Operand& x, std::int64_t numel);
};

/// The backend of a device. Errors: DeviceError with what to do about it.
Backend& backend(Device device);
Backend& cpu_backend();
/// Makes a device known; called by the backend's own code at start-up of that device.
void register_backend(Device device, Backend& backend);

}  // namespace adjoint
