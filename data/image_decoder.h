// Between read_image and the libraries that know a kind of file. Private.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace adjoint::data {

/// An image file in memory, which outlives this: first its header, then the pixels, row
/// by row, channels together.
/// errors: IoError with the name of the file.
class ImageDecoder {
  public:
    struct Header {
        std::uint64_t width = 0, height = 0, channels = 0;
        std::uint64_t most_pixels = 0;  // that a file of this size can hold
    };

    ImageDecoder() = default;
    ImageDecoder(const ImageDecoder&) = delete;
    ImageDecoder& operator=(const ImageDecoder&) = delete;
    virtual ~ImageDecoder() = default;

    virtual Header header() = 0;
    virtual void pixels(std::span<std::uint8_t> out) = 0;
};

/// Null in a build without the library.
std::unique_ptr<ImageDecoder> png_decoder(std::span<const std::byte> bytes, const std::string& name);
std::unique_ptr<ImageDecoder> jpeg_decoder(std::span<const std::byte> bytes, const std::string& name);

/// Runs a step of a C library that reports errors by a jump; false if it jumped. The step holds nothing that
/// would have to be destroyed.
template <class Step> bool without_jump(std::jmp_buf& target, const Step& step) {
    if (setjmp(target) != 0) return false;
    step();
    return true;
}

}  // namespace adjoint::data
