// Resizing as Pillow does it: along rows, then along columns, in integers of 22 digits behind the point.
#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/image.h>
#include <adjoint/data/tensor_bytes.h>

namespace adjoint::data {
namespace {

constexpr int digits = 22;
constexpr std::int32_t half = 1 << (digits - 1);

/// The pixels that one pixel of the result is made of, and how much of each.
struct Window {
    std::int64_t first;
    std::vector<std::int32_t> weights;
};

std::vector<Window> windows_of(std::int64_t from, std::int64_t to) {
    const double scale = static_cast<double>(from) / static_cast<double>(to), reach = std::max(scale, 1.0),
                 steepness = 1 / reach;
    std::vector<Window> windows;
    for (std::int64_t i = 0; i < to; ++i) {
        const double centre = (static_cast<double>(i) + 0.5) * scale;
        const std::int64_t first = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach + 0.5)),
                           last = std::min(from, static_cast<std::int64_t>(centre + reach + 0.5));
        std::vector<double> shares;
        double total = 0;
        for (std::int64_t k = first; k < last; ++k) {
            const double distance = std::abs((static_cast<double>(k) - centre + 0.5) * steepness);
            shares.push_back(distance < 1 ? 1 - distance : 0);
            total += shares.back();
        }
        Window window{first, {}};
        for (const double share : shares)
            window.weights.push_back(static_cast<std::int32_t>(share / total * (1 << digits) + 0.5));
        windows.push_back(std::move(window));
    }
    return windows;
}

// Weights add up to 2^22 but for their rounding, so that a sum has room in 32 bits.
std::uint8_t rounded(std::int32_t sum) {
    return static_cast<std::uint8_t>(std::clamp<std::int32_t>(sum >> digits, 0, 255));
}

using Pixels = std::vector<std::uint8_t>;

/// Lines of `from` pixels that lie `step` apart become lines of `to`: `count` times `step` lines.
Pixels resampled(const Pixels& in, std::int64_t count, std::int64_t from, std::int64_t to,
                 std::int64_t step) {
    if (from == to) return in;
    const std::vector<Window> windows = windows_of(from, to);
    Pixels out(static_cast<std::size_t>(count * to * step));
    std::vector<std::int32_t> sums(static_cast<std::size_t>(step));
    auto* target = out.data();
    for (std::int64_t line = 0; line < count; ++line)
        for (const Window& window : windows) {
            const std::uint8_t* source = in.data() + (line * from + window.first) * step;
            if (step == 1) {
                std::int32_t sum = half;
                for (const std::int32_t weight : window.weights) sum += weight * *source++;
                *target++ = rounded(sum);
                continue;
            }
            std::fill(sums.begin(), sums.end(), half);
            for (const std::int32_t weight : window.weights)
                for (std::int32_t& sum : sums) sum += weight * *source++;
            for (const std::int32_t sum : sums) *target++ = rounded(sum);
        }
    return out;
}

void check_size(const char* op, const Tensor& image, std::int64_t height, std::int64_t width) {
    check<DTypeError>(image.dtype() == DType::u8,
                      "{}: {} numbers, expected u8; for others there is interpolate", op,
                      name(image.dtype()));
    check<ShapeError>(image.dim() >= 2 && image.size(-1) > 0 && image.size(-2) > 0,
                      "{}: an image of shape {}, expected (.., H, W) with pixels", op, image.shape());
    check<ValueError>(height > 0 && width > 0, "{}: to {} x {} pixels, expected positive numbers", op, height,
                      width);
}

}  // namespace

Tensor resize_image(const Tensor& image, std::int64_t height, std::int64_t width) try {
    check_size("resize_image", image, height, width);
    const std::int64_t rows = image.size(-2), columns = image.size(-1),
                       planes = image.numel() / (rows * columns);
    Shape shape = image.shape();
    shape[shape.size() - 2] = height;
    shape[shape.size() - 1] = width;
    const Tensor resized = empty(shape, DType::u8, Device::cpu());  // before the work, which may be too large
    const Pixels along = resampled(image.to_vector<std::uint8_t>(), planes * rows, columns, width, 1),
                 pixels = resampled(along, planes, rows, height, width);
    std::copy(pixels.begin(), pixels.end(), resized.mutable_data<std::uint8_t>());
    return resized.to(image.device());
} catch (const std::bad_alloc&) {
    throw_no_memory("resize_image");
}

Tensor crop_image(const Tensor& image, std::int64_t height, std::int64_t width) try {
    check_size("crop_image", image, height, width);
    const auto rows = static_cast<double>(image.size(-2)), columns = static_cast<double>(image.size(-1));
    const double scale = std::max(static_cast<double>(height) / rows, static_cast<double>(width) / columns);
    const std::int64_t high = std::max<std::int64_t>(height, std::llround(rows * scale)),
                       wide = std::max<std::int64_t>(width, std::llround(columns * scale));
    const Tensor whole = resize_image(image, high, wide);
    const std::int64_t top = (high - height) / 2, left = (wide - width) / 2;
    Shape shape = whole.shape();
    shape[shape.size() - 2] = height;
    shape[shape.size() - 1] = width;
    const Pixels pixels = whole.to_vector<std::uint8_t>();
    Pixels kept;
    kept.reserve(static_cast<std::size_t>(shape.numel()));
    for (std::int64_t plane = 0; plane < shape.numel() / (height * width); ++plane)
        for (std::int64_t y = 0; y < height; ++y) {
            const auto row = pixels.begin() + (plane * high + top + y) * wide + left;
            kept.insert(kept.end(), row, row + width);
        }
    return tensor(kept, shape, {.dtype = DType::u8, .device = image.device()});
} catch (const std::bad_alloc&) {
    throw_no_memory("crop_image");
}

}  // namespace adjoint::data
