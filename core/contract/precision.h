// How exactly products of f32 matrices are computed on a device that can trade bits for speed.
#pragma once

#include <adjoint/core/base/export.h>

namespace adjoint {

/// `highest`: f32 throughout. `high`: TF32, 10 bits of mantissa in the factors.
/// `medium`: bf16, 7 bits; all add in f32.
enum class MatmulPrecision { highest, high, medium };

/// The setting for products and convolutions of f32 on CUDA, for all threads;
/// the CPU always computes `highest`.
ADJOINT_API void set_matmul_precision(MatmulPrecision precision) noexcept;
/// `highest` until it is changed.
ADJOINT_API MatmulPrecision matmul_precision() noexcept;
/// "highest", "high" or "medium".
ADJOINT_API const char* name(MatmulPrecision precision) noexcept;

}  // namespace adjoint
