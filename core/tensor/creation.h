// Tensors from nothing: constants, ranges, host data, random numbers.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint {

/// Uninitialised.
/// errors: ShapeError for negative sizes or 2^63 elements; OutOfMemoryError.
ADJOINT_API Tensor empty(const Shape& shape, const Options& options = {});
ADJOINT_API Tensor zeros(const Shape& shape, const Options& options = {});
ADJOINT_API Tensor ones(const Shape& shape, const Options& options = {});
ADJOINT_API Tensor full(const Shape& shape, Scalar value, const Options& options = {});
/// Shape, type and device of `like`.
ADJOINT_API Tensor empty_like(const Tensor& like);
ADJOINT_API Tensor zeros_like(const Tensor& like);
ADJOINT_API Tensor ones_like(const Tensor& like);
ADJOINT_API Tensor full_like(const Tensor& like, Scalar value);
/// n x m with ones on the diagonal (m = n by default).
ADJOINT_API Tensor eye(std::int64_t n, std::int64_t m = -1, const Options& options = {});
/// start, start + step, ... below end.
/// errors: ValueError for a step of 0 or of the wrong sign, and unless all three are finite.
ADJOINT_API Tensor arange(double start, double end, double step = 1, const Options& options = {});
ADJOINT_API Tensor arange(std::int64_t end, const Options& options = {.dtype = DType::i64});
/// `steps` values from start to end, both included.
ADJOINT_API Tensor linspace(double start, double end, std::int64_t steps, const Options& options = {});

/// A copy of host values in row-major order, of T's type unless `options` names another.
template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape, const Options& options);
template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape) {
    Options options;
    options.dtype = dtype_of<T>;
    return tensor(values, shape, options);
}
/// 1-d and 2-d literals: tensor({1, 2, 3}), tensor({{1, 2}, {3, 4}}).
/// Type f32 unless `options` names another.
ADJOINT_API Tensor tensor(std::initializer_list<double> values, const Options& options = {});
ADJOINT_API Tensor tensor(std::initializer_list<std::initializer_list<double>> rows,
                          const Options& options = {});
/// Memory of the caller, used in place; `deleter` runs when the last tensor on it goes.
ADJOINT_API Tensor from_blob(void* data, const Shape& shape, const Options& options = {},
                             std::function<void()> deleter = {});

// Random numbers: a number is a function of (seed, stream, element), so every device draws
// the same (see random.h).

/// Uniform in [0, 1).
ADJOINT_API Tensor rand(const Shape& shape, const Options& options = {});
/// Normal with mean 0 and variance 1.
ADJOINT_API Tensor randn(const Shape& shape, const Options& options = {});
/// Integers in [low, high).
ADJOINT_API Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape,
                           const Options& options = {.dtype = DType::i64});
/// 0 .. n-1 in random order.
ADJOINT_API Tensor randperm(std::int64_t n, const Options& options = {.dtype = DType::i64});
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
