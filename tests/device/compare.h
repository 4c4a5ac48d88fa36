// How results on a device are held against the CPU's. Failures are GoogleTest's.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::device {

using Tensors = std::vector<Tensor>;
using Calculation = std::function<Tensor(const Tensors&)>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr DType every_type[] = {DType::f16, DType::bf16, DType::f32, DType::f64,
                                       DType::u8,  DType::i32,  DType::i64, DType::boolean};

/// Random numbers on the CPU: normal, or whole ones from -9 or 0 to 9.
Tensor numbers(const Shape& shape, DType type = DType::f32);
/// Copies outside the graph.
Tensors moved(const Tensors& all, Device device);

/// The same bits; NaNs of any kind are equal.
void expect_same_bits(const Tensor& here, const Tensor& there, const std::string& what);
/// The same bits of f(inputs) on the CPU and on the device.
void expect_same_bits(Device device, const Tensors& inputs, const std::string& what, const Calculation& f);
/// |here - there| <= bound max(1, |here|).
void expect_near(const Tensor& here, const Tensor& there, double bound, const std::string& what);
/// The same of f(inputs) and of its gradients.
void expect_near_with_gradients(Device device, const Tensors& inputs, double bound, const std::string& what,
                                const Calculation& f);

}  // namespace adjoint::device
