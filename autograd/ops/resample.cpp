// Resampling as gathers with weights, so that every derivative is there.
#include <adjoint/autograd/ops/resample.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/windows.h>
#include <adjoint/autograd/record/apply.h>
#include <adjoint/autograd/record/observer.h>
#include <adjoint/core/base/format.h>

namespace adjoint {
namespace {

using Places = std::vector<std::int64_t>;

Tensor picked(const Tensor& x, int dim, const Places& places) {
    return index_select(x, dim, tensor(places, {static_cast<std::int64_t>(places.size())}).to(x.device()));
}

// One axis of an interpolation: `step` input pixels for a pixel of the result.
Tensor nearest(const Tensor& x, int dim, std::int64_t size, double scale) {
    const std::int64_t before = x.shape()[dim];
    Places places;
    for (std::int64_t i = 0; i < size; ++i) {
        const std::int64_t at =
            scale > 0 ? static_cast<std::int64_t>(static_cast<double>(i) / scale) : i * before / size;
        places.push_back(std::min(at, before - 1));
    }
    return picked(x, dim, places);
}

Tensor linear_axis(const Tensor& x, int dim, std::int64_t size, double scale, bool align_corners) {
    const std::int64_t before = x.shape()[dim];
    const auto from = static_cast<double>(before), to = static_cast<double>(size);
    const double step =
        align_corners ? (size > 1 ? (from - 1) / (to - 1) : 0) : (scale > 0 ? 1 / scale : from / to);
    Places low, high;
    std::vector<double> weights;
    for (std::int64_t i = 0; i < size; ++i) {
        const double place = align_corners ? static_cast<double>(i) * step
                                           : std::max(0.0, (static_cast<double>(i) + 0.5) * step - 0.5);
        low.push_back(std::min(static_cast<std::int64_t>(place), before - 1));
        high.push_back(std::min(low.back() + 1, before - 1));
        weights.push_back(std::clamp(place - static_cast<double>(low.back()), 0.0, 1.0));
    }
    Shape aligned = Shape::filled(x.dim(), 1);
    aligned[dim] = size;
    const Tensor weight = tensor(weights, aligned, {.dtype = x.dtype()}).to(x.device());
    const Tensor left = picked(x, dim, low), right = picked(x, dim, high);
    return left * (1 - weight) + right * weight;
}

// Places on an axis from coordinates in [-1, 1].
Tensor unnormalised(const Tensor& coordinate, std::int64_t size, bool align_corners) {
    const auto n = static_cast<double>(size);
    return align_corners ? (coordinate + 1) * ((n - 1) / 2) : ((coordinate + 1) * n - 1) / 2;
}

// Points that are nowhere lie outside, like those far away.
Tensor somewhere(const Tensor& place) { return where(isfinite(place), place, full_like(place, -2)); }

// The pixels of `side` 0 (left, upper) or 1 around places on an axis:
// where, whether inside, and their weight.
struct Neighbour {
    Tensor index, inside, weight;
};

Neighbour neighbour(const Tensor& place, std::int64_t size, int side) {
    const Tensor corner = floor(place.detach()) + side;
    const Tensor inside = logical_and(ge(corner, 0.0), le(corner, static_cast<double>(size - 1)));
    const Tensor index = where(inside, corner, zeros_like(corner)).to(DType::i64);
    const Tensor distance = place - floor(place.detach());
    return {index, inside, side == 0 ? 1 - distance : distance};
}

// -1 .. 1 over `count` pixels.
Tensor axis(std::int64_t count, bool align_corners) {
    std::vector<double> places;
    const auto n = static_cast<double>(count);
    for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<double>(i);
        places.push_back(align_corners ? (count > 1 ? 2 * at / (n - 1) - 1 : 0) : (2 * at + 1) / n - 1);
    }
    return tensor(places, {count}, Device::cpu());
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
    constexpr auto op = "interpolate";
    const detail::Within heard(op);
    check<ShapeError>(x.dim() == 4, "{}: needs (N, C, H, W), the shape is {}", op, x.shape());
    check<DTypeError>(is_floating(x.dtype()), "{}: needs a floating-point input, not {}", op,
                      name(x.dtype()));
    const double scale = options.scale_factor;
    check<ValueError>(options.size.given() != (scale != 0),
                      "{}: give either size or scale_factor, not both or neither", op);
    check<ValueError>(scale >= 0 && std::isfinite(scale), "{}: scale_factor {}, expected a positive number",
                      op, scale);
    check<ValueError>(!options.align_corners || options.mode == InterpolateMode::bilinear,
                      "{}: align_corners has a meaning for bilinear only", op);
    const std::int64_t height = x.shape()[2], width = x.shape()[3];
    check<ShapeError>(height > 0 && width > 0, "{}: the image has no pixels, its shape is {}", op, x.shape());
    HeightWidth size = options.size;
    if (scale > 0) {
        const auto grown = [&](std::int64_t n) {
            const double wanted = std::floor(static_cast<double>(n) * scale);
            check<ValueError>(wanted < 0x1p31, "{}: scale_factor {} is too large", op, scale);
            return static_cast<std::int64_t>(wanted);
        };
        size = {grown(height), grown(width)};
    }
    windows::check_setting(op, "size", size, 1);
    if (options.mode == InterpolateMode::nearest)
        return nearest(nearest(x, 2, size.height, scale), 3, size.width, scale);
    return linear_axis(linear_axis(x, 2, size.height, scale, options.align_corners), 3, size.width, scale,
                       options.align_corners);
}

Tensor affine_grid(const Tensor& theta, const Shape& size, bool align_corners) {
    constexpr auto op = "affine_grid";
    const detail::Within heard(op);
    check<ShapeError>(size.size() == 4, "{}: size {}, expected (N, C, H, W)", op, size);
    check<ShapeError>(theta.shape() == (Shape{size[0], 2, 3}), "{}: theta of shape {} for size {}", op,
                      theta.shape(), size);
    check<DTypeError>(is_floating(theta.dtype()), "{}: needs floating-point theta, not {}", op,
                      name(theta.dtype()));
    for (int d = 2; d < 4; ++d) check<ValueError>(size[d] >= 1, "{}: no pixels in size {}", op, size);
    const std::int64_t height = size[2], width = size[3];
    const Tensor x = expand(unsqueeze(axis(width, align_corners), 0), {height, width});
    const Tensor y = expand(unsqueeze(axis(height, align_corners), 1), {height, width});
    const Tensor points =
        stack({x, y, ones({height, width}, {.dtype = DType::f64})}, 2).to(theta.dtype()).to(theta.device());
    return reshape(matmul(reshape(points, {height * width, 3}), transpose(theta, 1, 2)),
                   {size[0], height, width, 2});
}

Tensor grid_sample(const Tensor& input, const Tensor& places, const GridSampleOptions& options) {
    constexpr auto op = "grid_sample";
    const detail::Within heard(op);
    check<ShapeError>(input.dim() == 4, "{}: needs (N, C, H, W), the shape is {}", op, input.shape());
    check<ShapeError>(places.dim() == 4 && places.shape()[3] == 2 && places.shape()[0] == input.shape()[0],
                      "{}: a grid of shape {} for an input of shape {}, expected (N, H, W, 2)", op,
                      places.shape(), input.shape());
    check<DTypeError>(is_floating(input.dtype()) && input.dtype() == places.dtype(),
                      "{}: needs floating-point input and grid of one type, not {} and {}", op,
                      name(input.dtype()), name(places.dtype()));
    apply::check_same_device(op, input, places);
    const Tensor x = apply::widened(input), grid = apply::widened(places);
    const std::int64_t samples = x.shape()[0], channels = x.shape()[1], height = x.shape()[2],
                       width = x.shape()[3];
    check<ShapeError>(height > 0 && width > 0, "{}: the image has no pixels, its shape is {}", op, x.shape());
    const std::int64_t points = grid.shape()[1] * grid.shape()[2];
    const Shape row{samples, 1, points}, all_channels{samples, channels, points};
    const Tensor u = somewhere(unnormalised(reshape(select(grid, 3, 0), row), width, options.align_corners));
    const Tensor v = somewhere(unnormalised(reshape(select(grid, 3, 1), row), height, options.align_corners));
    const Tensor planes = reshape(x, {samples, channels, height * width});
    Tensor total;
    for (const int lower : {0, 1}) {
        const Neighbour down = neighbour(v, height, lower);
        for (const int right : {0, 1}) {
            const Neighbour across = neighbour(u, width, right);
            const Tensor place = expand(down.index * width + across.index, all_channels);
            const Tensor part = gather(planes, 2, place) * (down.weight * across.weight);
            const Tensor seen = where(logical_and(down.inside, across.inside), part, zeros_like(part));
            total = total.defined() ? total + seen : seen;
        }
    }
    return reshape(total, {samples, channels, grid.shape()[1], grid.shape()[2]}).to(input.dtype());
}

}  // namespace adjoint
