// Tensors from nothing: constants, ranges, host data, random numbers.
//
// Where the options are a type, a device or both, these alone will do: zeros({2, 3}, f64), zeros({2, 3},
// device), zeros({2, 3}, f64, device). What is left out is the default of <adjoint/core/tensor/defaults.h>.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

template <class K>
concept OptionWord = std::same_as<K, DType> || std::same_as<K, Device>;

namespace detail {

inline void set_option(Options& options, DType dtype) { options.dtype = dtype; }
inline void set_option(Options& options, Device device) { options.device = device; }
/// A type and a device, in any order, over `options`.
template <OptionWord First, OptionWord... Second>
Options with(Options options, First first, Second... second) {
    static_assert(sizeof...(Second) <= 1 && (!std::same_as<First, Second> && ...),
                  "a type and a device, one of each");
    set_option(options, first);
    (set_option(options, second), ...);
    return options;
}

}  // namespace detail

/// Uninitialised.
/// errors: ShapeError for negative sizes or 2^63 elements; OutOfMemoryError.
ADJOINT_API Tensor empty(const Shape& shape, const Options& options = {});
ADJOINT_API Tensor zeros(const Shape& shape, const Options& options = {});               ///< all 0
ADJOINT_API Tensor ones(const Shape& shape, const Options& options = {});                ///< all 1
ADJOINT_API Tensor full(const Shape& shape, Scalar value, const Options& options = {});  ///< all `value`
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor empty(const Shape& shape, K... words) {
    return empty(shape, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor zeros(const Shape& shape, K... words) {
    return zeros(shape, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor ones(const Shape& shape, K... words) {
    return ones(shape, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor full(const Shape& shape, Scalar value, K... words) {
    return full(shape, value, detail::with({}, words...));
}
/// Shape, type and device of `like`.
ADJOINT_API Tensor empty_like(const Tensor& like);
ADJOINT_API Tensor zeros_like(const Tensor& like);
ADJOINT_API Tensor ones_like(const Tensor& like);
ADJOINT_API Tensor full_like(const Tensor& like, Scalar value);
/// n x m with ones on the diagonal (m = n by default).
ADJOINT_API Tensor eye(std::int64_t n, std::int64_t m = -1, const Options& options = {});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor eye(std::int64_t n, K... words) {
    return eye(n, -1, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor eye(std::int64_t n, std::int64_t m, K... words) {
    return eye(n, m, detail::with({}, words...));
}
/// start, start + step, ... below end.
/// errors: ValueError for a step of 0 or of the wrong sign, and unless all three are finite.
ADJOINT_API Tensor arange(double start, double end, double step = 1, const Options& options = {});
ADJOINT_API Tensor arange(std::int64_t end, const Options& options = {.dtype = DType::i64});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor arange(double start, double end, double step, K... words) {
    return arange(start, end, step, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor arange(std::int64_t end, K... words) {
    return arange(end, detail::with({.dtype = DType::i64}, words...));
}
/// `steps` values from start to end, both included.
ADJOINT_API Tensor linspace(double start, double end, std::int64_t steps, const Options& options = {});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor linspace(double start, double end, std::int64_t steps, K... words) {
    return linspace(start, end, steps, detail::with({}, words...));
}

/// A copy of host values in row-major order, of T's type unless `options` names another.
template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape, const Options& options);
template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape) {
    return tensor(values, shape, Options{.dtype = dtype_of<T>});
}
template <class T, OptionWord... K>
requires(sizeof...(K) > 0) Tensor tensor(const std::vector<T>& values, const Shape& shape, K... words) {
    return tensor(values, shape, detail::with({.dtype = dtype_of<T>}, words...));
}
/// 1-d and 2-d literals: tensor({1, 2, 3}), tensor({{1, 2}, {3, 4}}).
/// Of the default type unless `options` names another.
ADJOINT_API Tensor tensor(std::initializer_list<double> values, const Options& options = {});
ADJOINT_API Tensor tensor(std::initializer_list<std::initializer_list<double>> rows,
                          const Options& options = {});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor tensor(std::initializer_list<double> values, K... words) {
    return tensor(values, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor
    tensor(std::initializer_list<std::initializer_list<double>> rows, K... words) {
    return tensor(rows, detail::with({}, words...));
}

/// As Options; memory that somebody gives is on the CPU unless they say otherwise.
struct BlobOptions {
    DType dtype = default_dtype();
    Device device = Device::cpu();
    bool requires_grad = false;
};
/// Memory of the caller, used in place; `deleter` runs when the last tensor on it goes.
ADJOINT_API Tensor from_blob(void* data, const Shape& shape, const BlobOptions& options = {},
                             std::function<void()> deleter = {});

// Random numbers: a number is a function of (seed, stream, element), so every device draws
// the same (see random.h).

/// Uniform in [0, 1).
ADJOINT_API Tensor rand(const Shape& shape, const Options& options = {});
/// Normal with mean 0 and variance 1.
ADJOINT_API Tensor randn(const Shape& shape, const Options& options = {});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor rand(const Shape& shape, K... words) {
    return rand(shape, detail::with({}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor randn(const Shape& shape, K... words) {
    return randn(shape, detail::with({}, words...));
}
/// Integers in [low, high).
ADJOINT_API Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape,
                           const Options& options = {.dtype = DType::i64});
/// 0 .. n-1 in random order.
ADJOINT_API Tensor randperm(std::int64_t n, const Options& options = {.dtype = DType::i64});
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor
    randint(std::int64_t low, std::int64_t high, const Shape& shape, K... words) {
    return randint(low, high, shape, detail::with({.dtype = DType::i64}, words...));
}
template <OptionWord... K>
requires(sizeof...(K) > 0) Tensor randperm(std::int64_t n, K... words) {
    return randperm(n, detail::with({.dtype = DType::i64}, words...));
}
/// 1 with the probability each element of `p` gives, else 0.
ADJOINT_API Tensor bernoulli(const Tensor& p);

/// Copies `bytes` host bytes of elements of `type` into a new dense tensor.
ADJOINT_API Tensor tensor_from_host(const void* values, const Shape& shape, DType type,
                                    const Options& options);

/// Throws ShapeError unless `count` values fill `shape`.
ADJOINT_API void check_value_count(std::size_t count, const Shape& shape);

template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape, const Options& options) {
    if constexpr (std::is_same_v<T, bool>) {
        const std::vector<std::uint8_t> bytes(values.begin(), values.end());
        return tensor(bytes, shape, options);
    } else {
        check_value_count(values.size(), shape);
        return tensor_from_host(values.data(), shape, dtype_of<T>, options);
    }
}

}  // namespace adjoint
