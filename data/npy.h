// NumPy's .npy files: one array each.
#pragma once

#include <string>

#include <adjoint/core/tensor.h>

namespace adjoint::data {

/// The array in an .npy file (format 1.0 to 3.0, plain or gzip); one in column-major order is transposed on
/// reading. dtypes: f2 f4 f8 i4 i8 u1 b1 of NumPy, little-endian: f16 f32 f64 i32 i64 u8 bool. errors:
/// IoError for another type, a malformed header, and data shorter or longer than the header says. source:
/// numpy.lib.format.
ADJOINT_API Tensor read_npy(const std::string& path);

/// Writes `tensor` (dense, on the CPU) as .npy 1.0; the old file stays on any error.
/// errors: DTypeError for bf16, which NumPy does not have; ValueError (not dense); DeviceError; IoError.
ADJOINT_API void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace adjoint::data
