// NumPy's .npy files: one array each.
#pragma once

#include <string>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// The array in an .npy file of format 1.0 to 3.0, plain or gzip; column-major order is transposed.
/// dtypes: NumPy's f2 f4 f8 i4 i8 u1 b1, little-endian, are f16 f32 f64 i32 i64 u8 bool.
/// errors: IoError for another type, a malformed header, data shorter or longer than the header says.
/// source: the documentation of numpy.lib.format.
ADJOINT_API Tensor read_npy(const std::string& path);

/// Writes `tensor` (dense, on the CPU) as .npy 1.0; the old file stays on any error.
/// errors: DTypeError for bf16, which NumPy does not have; ValueError (not dense); DeviceError; IoError.
ADJOINT_API void write_npy(const std::string& path, const Tensor& tensor);

}  // namespace adjoint::data
