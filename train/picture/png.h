// PNG files of 8 bit grey or RGB pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::picture {

/// `pixels` row by row, `channels` (1 grey or 3 RGB) bytes each.
/// errors: ValueError for another size.
ADJOINT_API std::vector<std::byte> png(std::span<const std::uint8_t> pixels, int width, int height,
                                       int channels);
/// shapes: (H, W) or (H, W, 3).
/// dtypes: integers are 0 .. 255; floats are stretched from least to greatest.
ADJOINT_API std::vector<std::byte> png(const Tensor& image);
/// png(image) in a file.
/// errors: IoError.
ADJOINT_API void save_png(const std::string& path, const Tensor& image);

/// Bytes as text, as pages embed pictures.
ADJOINT_API std::string base64(std::span<const std::byte> bytes);

}  // namespace adjoint::picture
