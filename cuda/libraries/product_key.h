// A matrix product as cuBLAS sees it: column-major operands, batched by strides. Knows no CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <adjoint/core/contract/calls/matmul.h>
#include <adjoint/core/contract/precision.h>

namespace adjoint::cuda_backend {

/// d (rows x columns) = a b, all column-major, plus a bias of `rows` elements on every column. The bytes are
/// the key of a cache: there is no padding, and what is not used is 0.
struct ProductKey {
    std::int64_t rows = 0, columns = 0, inner = 0;
    std::int64_t a_leading = 0, b_leading = 0, d_leading = 0;
    std::int64_t a_stride = 0, b_stride = 0, d_stride = 0;  // from one product of the batch to the next
    std::int32_t batch = 1;
    DType type = DType::f32;
    std::uint8_t precision = 0;                       // MatmulPrecision, where the type is f32
    std::uint8_t a_transposed = 0, b_transposed = 0;  // in memory the operand lies transposed
    std::uint8_t bias = 0;
    std::uint8_t a_alignment = 0, b_alignment = 0, d_alignment = 0;  // bytes, 16 at most
    std::uint8_t unused[4] = {};

    bool operator==(const ProductKey& other) const noexcept;
};

struct ProductKeyHash {
    std::size_t operator()(const ProductKey& key) const noexcept;
};

/// A MatMul as products of one key: a loop over the part of the batch that has no regular stride. Strides are
/// in elements, dimension 0 outermost; a is the right operand of the MatMul and b the left one. A bias that
/// does not lie on 16 bytes is not in the key: kernels that add one read it in pieces of that size, and
/// cuBLAS has no word for where it lies.
struct ProductPlan {
    ProductKey key;
    int rank = 0;
    std::int64_t sizes[max_dims], a_strides[max_dims], b_strides[max_dims], d_strides[max_dims];
};

/// A row-major matrix is its column-major transpose, so out^T = b^T a^T. Nothing if cuBLAS does not take it:
/// a type of integers, an inner size of 0, or a matrix none of whose strides is 1.
std::optional<ProductPlan> plan_product(const call::MatMul& product, MatmulPrecision precision);

}  // namespace adjoint::cuda_backend
