// The contract of a device: what a backend has to write, and the registry of the devices there are.
//
// Everything was checked on the floor above (shapes, types, devices; broadcasting has become strides of 0),
// so a backend validates nothing but the contents of index tensors. A functor crosses the virtual call as a
// variant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include <adjoint/core/capture.h>
#include <adjoint/core/device.h>
#include <adjoint/core/functors/functors.h>
#include <adjoint/core/functors/reduce.h>
#include <adjoint/core/functors/update.h>
#include <adjoint/core/generator.h>
#include <adjoint/core/loop.h>

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
    virtual std::shared_ptr<Captured::Recording> record(const std::function<void()>& step);

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
};

/// The backend of a device. Errors: DeviceError with what to do about it.
Backend& backend(Device device);
Backend& cpu_backend();
/// Makes a device known; called by the backend's own code at start-up of that device.
void register_backend(Device device, Backend& backend);

}  // namespace adjoint
