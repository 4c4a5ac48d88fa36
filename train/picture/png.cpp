// PNG by zlib: signature, header, one block of compressed rows, end.
#include <adjoint/train/picture/png.h>

#include <zlib.h>

#include <algorithm>
#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>

namespace adjoint::picture {
namespace {

using Bytes = std::vector<std::byte>;

void append_u32(Bytes& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(value >> shift & 255));
}

void append_chunk(Bytes& out, const char* name, std::span<const std::byte> content) {
    append_u32(out, static_cast<std::uint32_t>(content.size()));
    const std::size_t start = out.size();
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::byte>(name[i]));
    out.insert(out.end(), content.begin(), content.end());
    append_u32(out, data::crc32(std::span(out).subspan(start)));
}

Bytes deflate_rows(std::span<const std::uint8_t> pixels, std::size_t row_bytes) {
    std::vector<std::uint8_t> rows;
    for (std::size_t at = 0; at < pixels.size(); at += row_bytes) {
        rows.push_back(0);  // the row is stored as it is
        rows.insert(rows.end(), pixels.begin() + static_cast<std::ptrdiff_t>(at),
                    pixels.begin() + static_cast<std::ptrdiff_t>(at + row_bytes));
    }
    uLongf size = compressBound(static_cast<uLong>(rows.size()));
    Bytes packed(size);
    const int status = compress2(reinterpret_cast<Bytef*>(packed.data()), &size, rows.data(),
                                 static_cast<uLong>(rows.size()), 6);
    check<ValueError>(status == Z_OK, "png: zlib reports error {}", status);
    packed.resize(size);
    return packed;
}

}  // namespace

Bytes png(std::span<const std::uint8_t> pixels, int width, int height, int channels) {
    check<ValueError>(width > 0 && height > 0 && (channels == 1 || channels == 3),
                      "png: {} x {} pixels of {} channels", width, height, channels);
    const std::size_t row_bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    check<ValueError>(pixels.size() == row_bytes * static_cast<std::size_t>(height),
                      "png: {} bytes for {} x {} x {}", pixels.size(), width, height, channels);
    Bytes file;
    for (const int c : {0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10}) file.push_back(static_cast<std::byte>(c));
    Bytes header;
    append_u32(header, static_cast<std::uint32_t>(width));
    append_u32(header, static_cast<std::uint32_t>(height));
    for (const int c : {8, channels == 3 ? 2 : 0, 0, 0, 0}) header.push_back(static_cast<std::byte>(c));
    append_chunk(file, "IHDR", header);
    append_chunk(file, "IDAT", deflate_rows(pixels, row_bytes));
    append_chunk(file, "IEND", {});
    return file;
}

Bytes png(const Tensor& image) {
    const Shape& shape = image.shape();
    check<ShapeError>(shape.size() == 2 || (shape.size() == 3 && shape[2] == 3),
                      "png: expected (H, W) or (H, W, 3) got {}", shape);
    const std::vector<double> values = image.to_vector<double>();
    double least = 0, scale = 1;
    if (is_floating(image.dtype()) && !values.empty()) {
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        least = *low;
        scale = *high > *low ? 255 / (*high - *low) : 0;
    }
    std::vector<std::uint8_t> pixels(values.size());
    std::transform(values.begin(), values.end(), pixels.begin(), [&](double v) {
        const double level = (v - least) * scale;
        return static_cast<std::uint8_t>(std::isnan(level) ? 0 : std::lround(std::clamp(level, 0.0, 255.0)));
    });
    return png(pixels, static_cast<int>(shape[1]), static_cast<int>(shape[0]), shape.size() == 3 ? 3 : 1);
}

void save_png(const std::string& path, const Tensor& image) {
    const Bytes file = png(image);
    data::atomic_write(path, [&](data::Writer& out) { out.write(file); });
}

std::string base64(std::span<const std::byte> bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[group >> (18 - 6 * k) & 63] : '=';
    }
    return text;
}

}  // namespace adjoint::picture
