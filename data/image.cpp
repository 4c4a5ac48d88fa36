// Image files by their first bytes, and the order of their channels.
#include <adjoint/data/image.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/file.h>
#include <adjoint/data/image_decoder.h>
#include <adjoint/data/memory.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {
namespace {

bool begins_with(std::span<const std::byte> bytes, std::string_view start) {
    return bytes.size() >= start.size() &&
           std::equal(start.begin(), start.end(), bytes.begin(),
                      [](char a, auto b) { return static_cast<std::byte>(a) == b; });
}

std::unique_ptr<ImageDecoder> decoder_of(std::span<const std::byte> bytes, const std::string& name) {
    const bool is_png = begins_with(bytes, "\x89PNG\r\n\x1a\n"), is_jpeg = begins_with(bytes, "\xff\xd8\xff");
    check<IoError>(is_png || is_jpeg, "{}: is neither a PNG nor a JPEG file by its first bytes", name);
    auto decoder = is_png ? png_decoder(bytes, name) : jpeg_decoder(bytes, name);
    check<IoError>(
        decoder != nullptr,
        "{}: is a {} file, and this build of the library does not read them; install {} and configure "
        "it again",
        name, is_png ? "PNG" : "JPEG", is_png ? "libpng-dev" : "libjpeg-turbo's headers (libjpeg-dev)");
    return decoder;
}

// Grey as Pillow rounds it.
std::uint8_t grey_of(const std::uint8_t* rgb) {
    return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >> 16);
}

// Channel c of `wanted` from a pixel of `stored` channels: grey, grey and opacity, RGB, RGB and opacity.
std::uint8_t channel_of(const std::uint8_t* pixel, std::size_t stored, std::size_t wanted, std::size_t c) {
    if (stored == wanted) return pixel[c];
    const bool coloured = stored >= 3;
    if (c == 3 || (wanted == 2 && c == 1)) return stored % 2 == 0 ? pixel[stored - 1] : 255;
    if (wanted <= 2) return coloured ? grey_of(pixel) : pixel[0];
    return coloured ? pixel[c] : pixel[0];
}

std::vector<double> per_channel(const char* what, const std::vector<double>& given, double otherwise,
                                std::int64_t channels) {
    check<ShapeError>(given.size() <= 1 || std::ssize(given) == channels,
                      "normalize_image: {} numbers of {} for {} channels", given.size(), what, channels);
    if (std::ssize(given) == channels) return given;
    return std::vector<double>(static_cast<std::size_t>(channels), given.empty() ? otherwise : given[0]);
}

}  // namespace

ImageFormats image_formats() noexcept {
#ifdef ADJOINT_WITH_PNG
    constexpr bool png = true;
#else
    constexpr bool png = false;
#endif
#ifdef ADJOINT_WITH_JPEG
    constexpr bool jpeg = true;
#else
    constexpr bool jpeg = false;
#endif
    return {.png = png, .jpeg = jpeg};
}

Tensor decode_image(std::span<const std::byte> bytes, const std::string& name,
                    const ImageReadOptions& options) {
    const std::int64_t asked = options.channels;
    check<ValueError>(
        asked == 0 || asked == 1 || asked == 3 || asked == 4,
        "read_image: {} channels, expected 1 (grey), 3 (RGB), 4 (RGB and opacity) or 0 (those of the "
        "file)",
        asked);
    return in_memory(name, [&] {
        const auto decoder = decoder_of(bytes, name);
        const ImageDecoder::Header header = decoder->header();
        check<IoError>(
            header.width > 0 && header.height > 0 && header.height <= options.pixel_limit / header.width,
            "{}: claims {} x {} pixels, the limit is {}; ImageReadOptions::pixel_limit raises it", name,
            header.width, header.height, options.pixel_limit);
        const std::size_t count = header.width * header.height, stored = header.channels;
        check<IoError>(count <= header.most_pixels,
                       "{}: claims {} x {} pixels, a file of {} bytes cannot hold them", name, header.width,
                       header.height, bytes.size());
        std::vector<std::uint8_t> pixels = room_for<std::uint8_t>(count * stored, name, "its pixels");
        decoder->pixels(pixels);
        const std::size_t wanted = asked == 0 ? stored : static_cast<std::size_t>(asked);
        const Tensor image =
            empty({static_cast<std::int64_t>(wanted), static_cast<std::int64_t>(header.height),
                   static_cast<std::int64_t>(header.width)},
                  DType::u8, Device::cpu());
        const auto out = fresh_bytes(image);
        for (std::size_t c = 0; c < wanted; ++c)
            for (std::size_t i = 0; i < count; ++i)
                out[c * count + i] =
                    static_cast<std::byte>(channel_of(pixels.data() + i * stored, stored, wanted, c));
        return image;
    });
}

Tensor read_image(const std::string& path, const ImageReadOptions& options) try {
    return decode_image(read_file(path), path, options);
} catch (...) {
    rethrow_of_file(path);
}

Tensor normalize_image(const Tensor& image, const std::vector<double>& mean,
                       const std::vector<double>& std) try {
    check<DTypeError>(image.dtype() == DType::u8, "normalize_image: {} numbers, expected u8",
                      adjoint::name(image.dtype()));
    check<ShapeError>(image.dim() >= 3, "normalize_image: an image of shape {}, expected (.., C, H, W)",
                      image.shape());
    const std::int64_t channels = image.size(-3);
    const auto plane = static_cast<std::size_t>(image.size(-2) * image.size(-1));
    const std::vector<double> means = per_channel("mean", mean, 0, channels),
                              deviations = per_channel("std", std, 1, channels);
    for (const double deviation : deviations)
        check<ValueError>(deviation > 0 && std::isfinite(deviation),
                          "normalize_image: a std of {}, expected a positive number", deviation);
    // What each of the 256 values of each channel becomes.
    std::vector<float> table;
    for (std::size_t c = 0; c < means.size(); ++c)
        for (int p = 0; p < 256; ++p)
            table.push_back(static_cast<float>((p / 255.0 - means[c]) / deviations[c]));
    const std::vector<std::uint8_t> pixels = image.to(Device::cpu()).to_vector<std::uint8_t>();
    std::vector<float> numbers(pixels.size());
    std::size_t row = 0;
    for (std::size_t first = 0; first < pixels.size(); first += plane, row = (row + 256) % table.size())
        for (std::size_t i = first; i < first + plane; ++i) numbers[i] = table[row + pixels[i]];
    return tensor(numbers, image.shape(), {.dtype = DType::f32, .device = image.device()});
} catch (const std::bad_alloc&) {
    throw_no_memory("normalize_image");
}

}  // namespace adjoint::data
