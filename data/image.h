// Images: PNG and JPEG files as tensors of pixels, in another size, as numbers for a network.
//
//     const Tensor image = data::read_image("cat.jpg");                  // u8 (3, H, W)
//     const Tensor small = data::resize_image(image, 64, 64);            // u8 (3, 64, 64)
//     const Tensor x = data::normalize_image(small, {0.5, 0.5, 0.5}, {0.25, 0.25, 0.25});  // f32
//
// What is done to pixels is what Pillow does, so that a network trained in Python sees the same numbers here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::data {

/// Which files this build of the library reads: libpng and libjpeg are used where they were found.
struct ImageFormats {
    bool png = false, jpeg = false;
};
/// Which formats this build reads.
ADJOINT_API ImageFormats image_formats() noexcept;

struct ImageReadOptions {
    std::int64_t channels = 3;  ///< 1 grey, 3 RGB, 4 with opacity, 0 for what the file has
    std::uint64_t pixel_limit = std::uint64_t{1} << 25;  ///< a file that claims more is refused
};

/// The image in a file, of the kind that its first bytes say. Sixteen bits are cut to eight, opacity
/// is dropped where it is not wanted, grey is (299 R + 587 G + 114 B) / 1000; notes on gamma and
/// rotation are not followed.
/// shapes: (channels, H, W).
/// dtypes: u8.
/// errors: IoError naming the file: not PNG or JPEG, damaged, cut short, larger than the limit, or of a kind
/// that this build does not read; ValueError for a number of channels that is none of the four.
ADJOINT_API Tensor read_image(const std::string& path, const ImageReadOptions& options = {});
/// The same of bytes that are there already; messages call them `name`.
ADJOINT_API Tensor decode_image(std::span<const std::byte> bytes, const std::string& name,
                                const ImageReadOptions& options = {});

/// By bilinear interpolation, where an image becomes smaller over as many pixels as fall together
/// (antialiased): the bits of Pillow's resize with BILINEAR.
/// shapes: (.., H, W) -> (.., height, width).
/// dtypes: u8.
/// errors: DTypeError; ShapeError for an image without pixels; ValueError for a size that is not positive.
ADJOINT_API Tensor resize_image(const Tensor& image, std::int64_t height, std::int64_t width);

/// The shorter side resized to fit, then what is too much cut off evenly at both ends of the other.
/// errors: as resize_image.
ADJOINT_API Tensor crop_image(const Tensor& image, std::int64_t height, std::int64_t width);

/// (p / 255 - mean) / std of each channel; no mean is 0, no std is 1.
/// shapes: (.., C, H, W), mean and std C numbers, one for all, or none.
/// dtypes: u8 -> f32.
/// errors: DTypeError; ShapeError; ValueError for a std of 0.
ADJOINT_API Tensor normalize_image(const Tensor& image, const std::vector<double>& mean,
                                   const std::vector<double>& std);

}  // namespace adjoint::data
