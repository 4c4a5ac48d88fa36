// IDX, the format of the MNIST files: a big-endian header with the element type and sizes, then the elements.
#pragma once

#include <string>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// The array in an IDX file, plain or gzip.
/// dtypes: u8, i32, f32, f64; the format's i8 and i16 have no counterpart here.
/// errors: IoError saying what was found and expected, before memory is taken for what the file cannot hold.
/// source: the description of the MNIST files, yann.lecun.com/exdb/mnist.
ADJOINT_API Tensor read_idx(const std::string& path);

/// Writes `tensor` (dense, on the CPU) as IDX, gzip if `path` ends in ".gz"; the old file stays on any error.
/// dtypes: u8, i32, f32, f64.
/// errors: DTypeError; DeviceError; ValueError for a tensor that is not dense or a size from 2^32; IoError.
ADJOINT_API void write_idx(const std::string& path, const Tensor& tensor);

}  // namespace adjoint::data
