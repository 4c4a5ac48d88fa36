// Products that are too small for a library: a launch does several, with what stands before and behind them.
#pragma once

#include <adjoint/cuda/cuda_backend.h>

namespace adjoint::cuda_backend {

/// out = a b of f32, m x n of k terms each; all elements have numbers below 2^31.
struct SmallProduct {
    /// A matrix and the steps between its rows and columns; one of them is 1.
    struct Factor {
        const float* data = nullptr;
        std::int32_t row = 0, column = 0;
    };
    float* out = nullptr;  // dense
    Factor a, b;
    std::int32_t m = 0, n = 0, k = 0;
    /// a is multiplied by the slope of relu at what lies here, laid out as a; null: it is not.
    const float* relu_of = nullptr;
    float* a_sums = nullptr;  // the sum of each row of a; may be null
    Epilogue epilogue;
};

/// One or two products that do not wait for each other.
void multiply_small(const DeviceState& device, const char* op, std::span<const SmallProduct> products);

/// The product by this kernel, with its epilogue; false for what it is not made for.
bool multiply_small(CudaBackend& cuda, const call::MatMul& product);

}  // namespace adjoint::cuda_backend
