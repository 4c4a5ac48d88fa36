// Comparison of a device with the CPU.
#include "device/compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::device {
namespace {

// The value and the gradients of f at the inputs, one after the other.
Tensors with_gradients(const Tensors& inputs, const Calculation& f) {
    Tensors leaves, wanted;
    for (const Tensor& x : inputs) {
        leaves.push_back(x);
        if (x.defined() && is_floating(x.dtype()))
            wanted.push_back(leaves.back() = x.detach().set_requires_grad());
    }
    const Tensor y = f(leaves);
    if (wanted.empty()) return {y};
    const Tensor weights =
        reshape(arange(y.numel()).to(y.dtype()).to(y.device()) / static_cast<double>(y.numel()), y.shape());
    const GradOptions options{.grad_outputs = {cos(weights)}, .allow_unused = true};
    Tensors all = grad(Tensors{y}, wanted, options);
    all.push_back(y.detach());
    return all;
}

}  // namespace

void expect_same_bits(const Tensor& here, const Tensor& there, const std::string& what) {
    const Tensor a = here.to(Device::cpu()).contiguous(), b = there.to(Device::cpu()).contiguous();
    ASSERT_EQ(to_string(a.shape()), to_string(b.shape())) << what;
    ASSERT_EQ(a.dtype(), b.dtype()) << what;
    const auto* x = static_cast<const unsigned char*>(static_cast<const void*>(a.impl().data));
    const auto* y = static_cast<const unsigned char*>(static_cast<const void*>(b.impl().data));
    const std::size_t bytes = size_of(a.dtype());
    const std::vector<double> left = a.to_vector<double>(), right = b.to_vector<double>();
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.numel()); ++i) {
        if (std::isnan(left[i]) && std::isnan(right[i])) continue;  // of any sign and payload
        ASSERT_EQ(std::memcmp(x + i * bytes, y + i * bytes, bytes), 0)
            << what << ": element " << i << ": " << left[i] << " on the CPU, " << right[i];
    }
}

void expect_near(const Tensor& here, const Tensor& there, double bound, const std::string& what) {
    ASSERT_EQ(to_string(here.shape()), to_string(there.shape())) << what;
    ASSERT_EQ(here.dtype(), there.dtype()) << what;
    const std::vector<double> a = here.to_vector<double>(), b = there.to_vector<double>();
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        ASSERT_LE(std::abs(a[i] - b[i]), bound * std::max(1.0, std::abs(a[i])))
            << what << ": element " << i << ": " << a[i] << " on the CPU, " << b[i];
    }
}

Tensors moved(const Tensors& all, Device device) {
    Tensors out;
    for (const Tensor& x : all) out.push_back(x.defined() ? x.detach().to(device) : x);
    return out;
}

void expect_same_bits(Device device, const Tensors& inputs, const std::string& what, const Calculation& f) {
    expect_same_bits(f(inputs), f(moved(inputs, device)), what);
}

Tensor numbers(const Shape& shape, DType type) {
    return is_floating(type)
               ? randn(shape, {.dtype = DType::f32}).to(type)
               : randint(type == DType::u8 || type == DType::boolean ? 0 : -9, 10, shape).to(type);
}

void expect_near_with_gradients(Device device, const Tensors& inputs, double bound, const std::string& what,
                                const Calculation& f) {
    const Tensors here = with_gradients(inputs, f), there = with_gradients(moved(inputs, device), f);
    for (std::size_t i = 0; i < here.size(); ++i) {
        ASSERT_EQ(here[i].defined(), there[i].defined()) << what;
        if (here[i].defined()) expect_near(here[i], there[i], bound, what + ", result " + std::to_string(i));
    }
}

}  // namespace adjoint::device
