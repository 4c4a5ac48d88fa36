// Tensor: a shared handle to an n-dimensional array that may take part in a computational graph.
//
// Members say what a tensor is or move it; the mathematics is free functions (<adjoint/autograd/...>). What
// makes a tensor from a tensor is declared here where it is a member or an operator,
// and defined with the graph. Several threads may read a tensor at once, none while another writes to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/scalar.h>
#include <adjoint/core/base/shape.h>
#include <adjoint/core/memory/ref.h>
#include <adjoint/core/memory/storage.h>
#include <adjoint/core/tensor/defaults.h>

namespace adjoint {

class Tensor;
class Indexed;
class Index;

/// How a tensor is created: zeros({2, 3}, {.dtype = f64, .requires_grad = true}).
struct Options {
    DType dtype = default_dtype();
    Device device = default_device();
    bool requires_grad = false;
};

/// What produced a tensor: a node of the graph, opaque here (<adjoint/autograd/record/node.h>).
class ADJOINT_API Producer : public RefCounted<Producer> {
  public:
    /// Called when nobody holds it any more.
    virtual void destroy() noexcept = 0;
    /// The forward operation's name.
    virtual const char* name() const noexcept = 0;
    /// A tensor that asked to keep its gradient is gone.
    virtual void forget(std::uint32_t output_index) noexcept = 0;

  protected:
    Producer() = default;
    virtual ~Producer() = default;
};

/// Sees a gradient as it arrives; what it returns takes its place, unless that is undefined.
using TensorHook = std::function<Tensor(const Tensor&)>;

/// The array behind a Tensor: where it lies in its storage, and what the graph knows of it.
struct ADJOINT_API TensorImpl final : RefCounted<TensorImpl>, Pooled {
    Ref<Storage> storage;
    char* data = nullptr;  // first element
    Shape shape;
    Shape strides;  // in elements
    std::int64_t numel = 0;
    DType dtype = DType::f32;
    bool contiguous = true;
    bool requires_grad = false;  // set by the user on a leaf, by record() on a result
    bool retains_grad = false;
    bool is_view = false;
    bool in_block = false;     // lies in front of its first storage, in one block, which it holds to the end
    bool holds_other = false;  // than that first storage
    std::uint32_t output_index = 0;  // which output of the producer this is
    Ref<Producer> producer;
    Ref<TensorImpl> grad;
    std::unique_ptr<std::vector<TensorHook>> hooks;  // on a leaf

    TensorImpl() = default;
    /// A dense one that has no memory yet.
    TensorImpl(const Shape& sizes, std::int64_t count, DType type)
        : shape(sizes), strides(dense_strides(sizes)), numel(count), dtype(type) {}
    /// A dense one on uninitialised memory: in one block with it, where that is small.
    static Ref<TensorImpl> dense(const Shape& shape, std::int64_t numel, DType dtype, Device device);

    /// Takes `memory` in the place of what was held; the first element is its first.
    void hold(Ref<Storage> memory) noexcept;
    /// Takes the memory of `other` and where the elements lie in it; of its graph nothing.
    void share(const TensorImpl& other) noexcept;
    void destroy() noexcept;
};

/// An n-dimensional array. Copies of a Tensor share the array; clone() copies it.
class ADJOINT_API Tensor {
  public:
    Tensor() noexcept = default;
    explicit Tensor(Ref<TensorImpl> impl) noexcept : impl_(std::move(impl)) {}
    /// A 0-d tensor of the value's own type: f64, f32, bool, or i64 for integers of any size. Beside a tensor
    /// with dimensions the type of a 0-d one does not count within its kind: f32 + Tensor(0.5) is f32.
    /// errors: ValueError for an unsigned integer of 2^63 or more.
    Tensor(double value);
    Tensor(float value);
    Tensor(int value) : Tensor(static_cast<std::int64_t>(value)) {}
    Tensor(std::int64_t value);
    Tensor(bool value);
    template <Number T>
    requires(!std::is_same_v<T, double> && !std::is_same_v<T, float> && !std::is_same_v<T, int> &&
             !std::is_same_v<T, std::int64_t> && !std::is_same_v<T, bool>) Tensor(T value)
        : Tensor(widest(value)) {}

    // What it is
    // -----------------------------------------------------------------------------

    /// Whether it names an array at all; a Tensor() does not.
    bool defined() const noexcept { return static_cast<bool>(impl_); }
    /// The sizes, and how many elements lie between neighbours of a dimension.
    const Shape& shape() const { return impl().shape; }
    const Shape& strides() const { return impl().strides; }
    /// Number of dimensions.
    int dim() const { return impl().shape.size(); }
    /// Size of dimension `dim`, which may be negative.
    /// errors: IndexError.
    std::int64_t size(std::int64_t dim) const;
    std::int64_t numel() const { return impl().numel; }
    DType dtype() const { return impl().dtype; }
    Device device() const { return impl().storage->device(); }
    /// Row-major without gaps.
    bool is_contiguous() const { return impl().contiguous; }
    /// Number of in-place writes to the memory so far.
    std::uint32_t version() const { return impl().storage->version(); }

    /// Pointer to the first element.
    /// errors: DTypeError if T is not the element type; DeviceError off the CPU.
    template <class T> const T* data() const { return static_cast<const T*>(host_data(dtype_of<T>)); }
    /// The same for writing; counts as an in-place write.
    template <class T> T* mutable_data() const { return static_cast<T*>(mutable_host_data(dtype_of<T>)); }
    /// The single element as T.
    /// errors: ShapeError unless there is exactly one.
    template <class T = double> T item() const {
        if constexpr (std::is_integral_v<T>)
            return static_cast<T>(item_integer());
        else
            return static_cast<T>(item_number());
    }
    /// All elements in row-major order, converted to T; copies from the device if need be.
    /// errors: OutOfMemoryError.
    template <class T> std::vector<T> to_vector() const {
        std::vector<T> values;
        try {
            values.resize(static_cast<std::size_t>(numel()));
        } catch (...) {
            throw_no_room(sizeof(T));
        }
        if constexpr (std::is_same_v<T, bool>) {
            const std::vector<std::uint8_t> bytes = to_vector<std::uint8_t>();
            values.assign(bytes.begin(), bytes.end());
        } else {
            copy_to_host(values.data(), dtype_of<T>);
        }
        return values;
    }
    /// The elements as text, as NumPy prints them.
    std::string to_string() const;

    // The graph
    // -----------------------------------------------------------------------------

    /// Whether gradients are computed for it.
    bool requires_grad() const { return impl().requires_grad; }
    /// Marks a leaf as a variable to differentiate by.
    /// errors: AutogradError on a non-leaf; DTypeError if not floating.
    const Tensor& set_requires_grad(bool requires_grad = true) const;
    /// Not the result of a recorded operation.
    bool is_leaf() const { return !impl().producer; }
    /// Name of the operation that produced it, "" for a leaf.
    const char* producer_name() const { return impl().producer ? impl().producer->name() : ""; }
    /// The accumulated gradient, undefined if there is none; of a non-leaf there is one after retain_grad().
    Tensor grad() const {
        const TensorImpl& x = impl();
        if (!x.grad && x.producer && !x.retains_grad) [[unlikely]]
            warn_of_lost_gradient();
        return Tensor(x.grad);
    }
    /// Replaces the gradient; an undefined tensor removes it.
    /// errors: ShapeError, DTypeError, DeviceError on mismatch.
    void set_grad(const Tensor& grad) const;
    /// Keeps the gradient of a non-leaf in grad() after backward.
    void retain_grad() const;
    /// Runs `hook` on the gradient of this tensor when it is known; a defined result replaces it.
    void register_hook(TensorHook hook) const;
    /// Gradients of this tensor with respect to every leaf it depends on, added to their grad().
    /// shapes: `gradient` like this tensor; left out, the tensor must have one element and it is 1.
    /// errors: AutogradError if nothing requires a gradient or the graph was freed by an earlier backward.
    void backward() const;
    void backward(const Tensor& gradient, bool retain_graph = false, bool create_graph = false) const;

    // Moving and copying
    // -----------------------------------------------------------------------------

    /// The same array outside the graph; shares memory.
    Tensor detach() const;
    /// A dense copy, recorded.
    Tensor clone() const;
    /// Itself if dense, else a dense copy.
    Tensor contiguous() const;
    /// Itself if already there, else a converted or moved copy, recorded.
    Tensor to(DType wanted) const;
    Tensor to(Device target) const;

    // Indexing
    // -----------------------------------------------------------------------------

    /// t(0), t(-1, slice(0, 10)), t(ellipsis, 0), t(all, new_axis), t(index_tensor), t(mask).
    /// The result reads as a tensor (a view where possible) and can be assigned to: t(all, 0) = 1.0;
    /// errors: IndexError for an index out of range or too many indices.
    template <class... Indices> Indexed operator()(const Indices&... indices) const;
    /// One index: t[0].
    template <class I> Indexed operator[](const I& index) const;

    // In place
    // -----------------------------------------------------------------------------

    /// Every element becomes `value`.
    /// errors (all in-place members): AutogradError where the graph would go wrong.
    const Tensor& fill_(Scalar value) const;
    const Tensor& zero_() const { return fill_(0); }
    /// Elements of `source`, broadcast and converted.
    const Tensor& copy_(const Tensor& source) const;
    const Tensor& operator+=(const Tensor& other) const;
    const Tensor& operator-=(const Tensor& other) const;
    const Tensor& operator*=(const Tensor& other) const;
    const Tensor& operator/=(const Tensor& other) const;

    // Inside
    // -----------------------------------------------------------------------------

    /// The array.
    /// errors: ValueError on an undefined tensor.
    TensorImpl& impl() const {
        if (!impl_) [[unlikely]]
            throw_undefined();
        return *impl_;
    }
    const Ref<TensorImpl>& ref() const noexcept { return impl_; }
    /// Whether two handles name the same array.
    bool is_same(const Tensor& other) const noexcept { return impl_ == other.impl_; }
    /// Whether shape, type and device are those of the other.
    bool is_like(const Tensor& other) const {
        return shape() == other.shape() && dtype() == other.dtype() && device() == other.device();
    }

  private:
    template <Number T> static auto widest(T number) {
        if constexpr (std::is_integral_v<T>)
            return to_i64(number);
        else
            return static_cast<double>(number);
    }
    void warn_of_lost_gradient() const;
    [[noreturn]] static void throw_undefined();
    [[noreturn]] void throw_no_room(std::size_t element) const;
    const void* host_data(DType wanted) const;
    void* mutable_host_data(DType wanted) const;
    double item_number() const;
    std::int64_t item_integer() const;
    void copy_to_host(void* destination, DType wanted) const;

    Ref<TensorImpl> impl_;
};

/// The memory of x seen with other sizes and strides, `offset` elements further on, outside the graph. That
/// no place lies outside the memory is up to the caller.
ADJOINT_API Tensor detached_view(const Tensor& x, const Shape& shape, const Shape& strides,
                                 std::int64_t offset = 0);

}  // namespace adjoint
