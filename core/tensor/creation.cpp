// Tensors from nothing.
#include <adjoint/core/tensor/creation.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/recording.h>
#include <adjoint/core/memory/pool_allocator.h>
#include <adjoint/core/tensor/loops.h>

namespace adjoint {
namespace {

// Room for the impl in front of its storage, so that the data behind both begins on a cache line.
constexpr std::size_t front = (sizeof(TensorImpl) + 63) / 64 * 64;

// The number of elements of a shape with negative or very large sizes, or none.
__attribute__((noinline)) std::int64_t unusual_numel(const char* op, const Shape& shape,
                                                     std::int64_t element) {
    for (const std::int64_t size : shape)
        check<ShapeError>(size >= 0, "{}: negative size in the shape {}", op, shape);
    const std::int64_t numel = shape.numel();
    (void)checked_mul(numel, element);
    return numel;
}

// The number of elements. Errors: ShapeError for negative sizes, and where their bytes exceed int64.
std::int64_t checked_numel(const char* op, const Shape& shape, DType dtype) {
    const auto element = static_cast<std::int64_t>(size_of(dtype));
    std::int64_t numel = 1, bytes = 0;
    for (const std::int64_t size : shape)
        if (size <= 0 || __builtin_mul_overflow(numel, size, &numel)) [[unlikely]]
            return unusual_numel(op, shape, element);
    return __builtin_mul_overflow(numel, element, &bytes) ? unusual_numel(op, shape, element) : numel;
}

Tensor random(const RandomOp& op, const char* name_of_op, const Shape& shape, const Options& options) {
    const bool real = std::holds_alternative<Uniform>(op) || std::holds_alternative<Normal>(op);
    check<DTypeError>(!real || is_floating(options.dtype), "{}: needs a floating-point type, not {}",
                      name_of_op, name(options.dtype));
    Tensor out =
        named(name_of_op, [&] { return empty(shape, {.dtype = options.dtype, .device = options.device}); });
    backend(options.device).run(call::Random{operand(out), op, out.numel(), next_stream()});
    if (options.requires_grad) out.set_requires_grad();
    return out;
}

}  // namespace

Ref<TensorImpl> TensorImpl::dense(const Shape& shape, std::int64_t numel, DType dtype, Device device) {
    const std::size_t bytes = static_cast<std::size_t>(numel) * size_of(dtype);
    if (Storage::fits_in_block(bytes, device) && !recorder()) [[likely]] {
        Ref<Storage> memory = Storage::allocate_block(front, bytes);
        auto* impl = ::new (reinterpret_cast<char*>(memory.get()) - front) TensorImpl(shape, numel, dtype);
        impl->in_block = true;
        impl->data = static_cast<char*>(memory->data());
        impl->storage = std::move(memory);
        return Ref<TensorImpl>::adopt(impl);
    }
    auto impl = Ref<TensorImpl>::adopt(new TensorImpl(shape, numel, dtype));
    try {
        impl->hold(Storage::allocate(bytes, device));
    } catch (OutOfMemoryError& error) {
        error.lead(fmt::format("a tensor of shape {} of {}", shape, name(dtype)).c_str());
        throw;
    }
    return impl;
}

void TensorImpl::hold(Ref<Storage> memory) noexcept {
    if (in_block && !holds_other) {
        storage.leak();
        holds_other = true;
    }
    storage = std::move(memory);
    data = static_cast<char*>(storage->data());
}

void TensorImpl::destroy() noexcept {
    if (retains_grad && producer) producer->forget(output_index);
    if (!in_block) {
        delete this;
        return;
    }
    Storage* const block = reinterpret_cast<Storage*>(reinterpret_cast<char*>(this) + front);
    if (!holds_other) storage.leak();
    this->~TensorImpl();
    block->release();
}

namespace {

Tensor made(const char* op, const Shape& shape, const Options& options) {
    return named(op, [&] {
        Tensor out(
            TensorImpl::dense(shape, checked_numel(op, shape, options.dtype), options.dtype, options.device));
        if (options.requires_grad) out.set_requires_grad();
        return out;
    });
}

}  // namespace

Tensor empty(const Shape& shape, const Options& options) { return made("empty", shape, options); }

namespace {

Tensor filled(const char* op, const Shape& shape, Scalar value, const Options& options) {
    Tensor out = made(op, shape, options);
    fill(out, value);
    return out;
}

}  // namespace

Tensor full(const Shape& shape, Scalar value, const Options& options) {
    return filled("full", shape, value, options);
}
Tensor zeros(const Shape& shape, const Options& options) { return filled("zeros", shape, 0, options); }
Tensor ones(const Shape& shape, const Options& options) { return filled("ones", shape, 1, options); }

Tensor empty_like(const Tensor& like) {
    return empty(like.shape(), {.dtype = like.dtype(), .device = like.device()});
}
Tensor full_like(const Tensor& like, Scalar value) {
    return full(like.shape(), value, {.dtype = like.dtype(), .device = like.device()});
}
Tensor zeros_like(const Tensor& like) { return full_like(like, 0); }
Tensor ones_like(const Tensor& like) { return full_like(like, 1); }

Tensor tensor_from_host(const void* values, const Shape& shape, DType type, const Options& options) {
    Tensor out = empty(shape, {.dtype = type, .device = options.device});
    if (out.numel() > 0)
        backend(options.device)
            .run(
                call::Upload{out.impl().data, values, static_cast<std::size_t>(out.numel()) * size_of(type)});
    if (type != options.dtype) {
        const Tensor converted = empty(shape, {.dtype = options.dtype, .device = options.device});
        backend(options.device)
            .run(call::Map{functor::Copy{}, make_loop<2>({&converted, &out}, compute_type(type))});
        out = converted;
    }
    if (options.requires_grad) out.set_requires_grad();
    return out;
}

void check_value_count(std::size_t count, const Shape& shape) {
    check<ShapeError>(static_cast<std::int64_t>(count) == shape.numel(),
                      "tensor: {} values do not fill the shape {}", count, shape);
}

Tensor tensor(std::initializer_list<double> values, const Options& options) {
    return tensor_from_host(values.begin(), {static_cast<std::int64_t>(values.size())}, DType::f64, options);
}

Tensor tensor(std::initializer_list<std::initializer_list<double>> rows, const Options& options) {
    std::vector<double> values;
    const std::size_t columns = rows.size() ? rows.begin()->size() : 0;
    for (const auto& row : rows) {
        check<ShapeError>(row.size() == columns, "tensor: ragged rows: {} values after {}", row.size(),
                          columns);
        values.insert(values.end(), row.begin(), row.end());
    }
    return tensor_from_host(values.data(),
                            {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns)},
                            DType::f64, options);
}

Tensor from_blob(void* data, const Shape& shape, const BlobOptions& options, std::function<void()> deleter) {
    const std::int64_t numel = checked_numel("from_blob", shape, options.dtype);
    check<ValueError>(data != nullptr || numel == 0, "from_blob: null pointer for the shape {}", shape);
    Tensor out(Ref<TensorImpl>::adopt(new TensorImpl(shape, numel, options.dtype)));
    out.impl().hold(Storage::borrow(data, static_cast<std::size_t>(numel) * size_of(options.dtype),
                                    options.device, std::move(deleter)));
    if (options.requires_grad) out.set_requires_grad();
    return out;
}

namespace {

// A tensor of numbers that are made on the host, in the type T: set(values, n) writes them over zeros.
template <class T, class F>
Tensor made_on_host(const char* op, const Shape& shape, const Options& options, F set) {
    const std::int64_t n = checked_numel(op, shape, dtype_of<T>);
    std::vector<T, PoolAllocator<T>> values(static_cast<std::size_t>(n));
    set(values.data(), n);
    return tensor_from_host(values.data(), shape, dtype_of<T>, options);
}

}  // namespace

Tensor eye(std::int64_t n, std::int64_t m, const Options& options) {
    if (m < 0) m = n;
    return made_on_host<std::uint8_t>("eye", {n, m}, options, [&](std::uint8_t* values, std::int64_t) {
        for (std::int64_t i = 0; i < std::min(n, m); ++i) values[i * m + i] = 1;
    });
}

Tensor arange(double start, double end, double step, const Options& options) {
    check<ValueError>(std::isfinite(start) && std::isfinite(end) && std::isfinite(step) && step != 0 &&
                          (end - start) / step >= 0,
                      "arange: from {} to {} in steps of {}", start, end, step);
    const double count = std::ceil((end - start) / step);
    check<ValueError>(count < 0x1p63, "arange: from {} to {} in steps of {} are {} numbers", start, end, step,
                      count);
    const auto set = [&](double* values, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) values[i] = start + static_cast<double>(i) * step;
    };
    return made_on_host<double>("arange", {static_cast<std::int64_t>(count)}, options, set);
}

Tensor arange(std::int64_t end, const Options& options) {
    check<ValueError>(end >= 0, "arange: to {} in steps of 1", end);
    const auto set = [](std::int64_t* values, std::int64_t n) { std::iota(values, values + n, 0); };
    return made_on_host<std::int64_t>("arange", {end}, options, set);
}

Tensor linspace(double start, double end, std::int64_t steps, const Options& options) {
    check<ValueError>(steps >= 0 && std::isfinite(start) && std::isfinite(end),
                      "linspace: {} steps from {} to {}", steps, start, end);
    const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
    const auto set = [&](double* values, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i)  // from the nearer end, so that both are exact
            values[i] = 2 * i < n ? start + static_cast<double>(i) * step
                                  : end - static_cast<double>(n - 1 - i) * step;
    };
    return made_on_host<double>("linspace", {steps}, options, set);
}

Tensor rand(const Shape& shape, const Options& options) { return random(Uniform{}, "rand", shape, options); }
Tensor randn(const Shape& shape, const Options& options) { return random(Normal{}, "randn", shape, options); }

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, const Options& options) {
    check<ValueError>(low < high, "randint: the range [{}, {}) is empty", low, high);
    return random(Integers{low, high}, "randint", shape, options);
}

Tensor randperm(std::int64_t n, const Options& options) {
    check<ValueError>(n >= 0, "randperm: {} elements", n);
    return random(Permutation{}, "randperm", {n}, options);
}

Tensor bernoulli(const Tensor& p) {
    const Tensor uniform = rand(p.shape(), {.dtype = p.dtype(), .device = p.device()});
    Tensor out = empty_like(p);
    backend(p.device())
        .run(call::Zip{functor::Lt{}, make_loop<3>({&out, &uniform, &p}, compute_type(p.dtype()))});
    return out;
}

}  // namespace adjoint
