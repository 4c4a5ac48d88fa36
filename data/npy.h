// NumPy's .npy files: one array each.
#pragma once

#include <string>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// The array in an .npy file of format 1.0 to 3.0, plain or gzip; column-major order is transposed.
/// dtypes: NumPy's f2 f4 f8 i4 i8 u1 b1, little-endian, are f16 f32 f64 i32 i64 u8 bool; i1 i2 u2 become i32,
/// u4 and u8 i64.
/// errors: IoError for another type, for a u8 above 2^63 - 1, for a malformed header, data shorter or longer
/// than the header says.
/// source: the documentation of numpy.lib.format.
ADJOINT_API Tensor read_npy(const std::string& path);

/// Writes `tensor` (dense, on the CPU) as .npy 1.0; the old file stays on any error.
/// errors: DTypeError for bf16, which NumPy does not have; ValueError (not dense); DeviceError; IoError.
ADJOINT_API void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace adjoint::data
