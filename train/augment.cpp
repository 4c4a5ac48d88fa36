// Transforms of batches, made of differentiable functions that record nothing here.
#include <adjoint/train/augment.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/resample.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/contract/random.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::train {
namespace {

constexpr double pi = 3.14159265358979323846;

// The numbers of one call: a stream of the generator, read from its start.
class Draws {
  public:
    double uniform() {
        const Philox4 words = next();
        return uniform_double(words.v[0], words.v[1]);
    }
    double uniform(Interval in) { return in.low + (in.high - in.low) * uniform(); }
    std::int64_t below(std::int64_t n) {
        return std::min(static_cast<std::int64_t>(uniform() * static_cast<double>(n)), n - 1);
    }
    // Gamma(shape, 1). Source: Marsaglia and Tsang, A simple method for generating gamma variables, 2000.
    double gamma(double shape) {
        if (shape < 1) {
            const double boost = std::pow(1 - uniform(), 1 / shape);
            return gamma(shape + 1) * boost;
        }
        const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal_double(next()).first, v = std::pow(1 + c * x, 3);
            if (v > 0 && std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
        }
    }

  private:
    Philox4 next() { return philox(state_.seed, state_.stream, block_++); }

    GeneratorState state_ = next_stream();
    std::uint64_t block_ = 0;
};

void check_interval(const char* op, const char* what, Interval interval, double least = -HUGE_VAL) {
    check<ValueError>(std::isfinite(interval.low) && std::isfinite(interval.high) &&
                          interval.low <= interval.high && interval.low >= least,
                      "{}: {} from {} to {}", op, what, interval.low, interval.high);
}

void check_images(const char* op, const Tensor& x) {
    check<ShapeError>(x.dim() == 4 && x.numel() > 0, "{}: needs images (N, C, H, W), the shape is {}", op,
                      x.shape());
    check<DTypeError>(is_floating(x.dtype()), "{}: needs floating images, not {}", op, name(x.dtype()));
}

// `change` of the images, with the draws of one call.
template <class Change> Transform images(const char* op, Change change) {
    return [op, change](const data::Batch& batch) {
        const NoGrad guard;
        check_images(op, batch.x);
        Draws draws;
        data::Batch out = batch;
        out.x = change(batch.x, draws);
        return out;
    };
}

// f() for each sample, as a tensor that broadcasts over its pixels.
template <class T, class F> Tensor per_sample(const Tensor& x, DType dtype, F f) {
    std::vector<T> values;
    for (std::int64_t i = 0; i < x.shape()[0]; ++i) values.push_back(f());
    return tensor(values, {x.shape()[0], 1, 1, 1}, {.dtype = dtype, .device = x.device()});
}

Tensor factors(const Tensor& x, Draws& draws, Interval interval) {
    return per_sample<double>(x, x.dtype(), [&] { return draws.uniform(interval); });
}

Tensor maybe_flipped(const Tensor& x, Draws& draws, double p, int dim) {
    if (p == 0) return x;
    const Tensor chosen =
        per_sample<std::uint8_t>(x, DType::boolean, [&] { return std::uint8_t{draws.uniform() < p}; });
    return where(chosen, flip(x, {dim}), x);
}

// 0 .. n - 1 along a dimension of (1, 1, H, W).
Tensor places(const Tensor& x, std::int64_t n, int dim) {
    Shape shape{1, 1, 1, 1};
    shape[dim] = n;
    return reshape(arange(n, {.dtype = DType::i64, .device = x.device()}), shape);
}

Tensor at_points(const Tensor& x, const Tensor& grid, double fill) {
    return fill == 0 ? grid_sample(x, grid) : grid_sample(x - fill, grid) + fill;
}

// The images at affinely mapped points; `theta` has six numbers for each sample.
Tensor sampled(const Tensor& x, const std::vector<double>& theta, HeightWidth size, double fill) {
    const std::int64_t n = x.shape()[0];
    const Tensor maps = tensor(theta, {n, 2, 3}, {.dtype = x.dtype(), .device = x.device()});
    return at_points(x, affine_grid(maps, {n, x.shape()[1], size.height, size.width}), fill);
}

Tensor grey(const Tensor& x) {
    if (x.shape()[1] != 3) return x;
    return sum(
        x * reshape(tensor({0.299, 0.587, 0.114}, {.dtype = x.dtype(), .device = x.device()}), {1, 3, 1, 1}),
        1, true);
}

// HSV's hue of each pixel in sixths of a turn, (N, 1, H, W): 0 is red, 2 green, 4 blue; 0 for greys.
Tensor sixths(const Tensor& x, const Tensor& highest, const Tensor& spread) {
    const Tensor r = narrow(x, 1, 0, 1), g = narrow(x, 1, 1, 1), b = narrow(x, 1, 2, 1);
    const Tensor some = where(gt(spread, 0), spread, ones_like(spread));
    return where(eq(r, highest), (g - b) / some,
                 where(eq(g, highest), (b - r) / some + 2, (r - g) / some + 4));
}

// Each pixel's hue moved by so many turns; its highest and its lowest value stay.
Tensor turned(const Tensor& x, const Tensor& turns) {
    const Tensor highest = amax(x, 1, true), spread = highest - amin(x, 1, true);
    const Tensor hue = sixths(x, highest, spread) + turns * 6;
    std::vector<Tensor> channels;
    for (const double phase : {5.0, 3.0, 1.0}) {
        const Tensor place = hue + phase, k = place - floor(place / 6) * 6;
        channels.push_back(highest - spread * clamp(minimum(k, 4 - k), 0, 1));
    }
    return cat(channels, 1);
}

Tensor probabilities(const data::Batch& batch, std::int64_t classes) {
    if (is_floating(batch.y.dtype())) return batch.y;
    return one_hot(batch.y, classes).to(batch.x.dtype());
}

}  // namespace

Transform compose(std::vector<Transform> transforms) {
    for (const Transform& transform : transforms)
        check<ValueError>(static_cast<bool>(transform), "compose: an empty transform");
    return [transforms = std::move(transforms)](data::Batch batch) {
        for (const Transform& transform : transforms) batch = transform(batch);
        return batch;
    };
}

Transform random_flip(const FlipOptions& options) {
    for (const double p : {options.horizontal, options.vertical})
        check<ValueError>(p >= 0 && p <= 1, "random_flip: probability {} is outside [0, 1]", p);
    return images("random_flip", [options](const Tensor& x, Draws& draws) {
        return maybe_flipped(maybe_flipped(x, draws, options.horizontal, 3), draws, options.vertical, 2);
    });
}

Transform random_crop(HeightWidth size, const CropOptions& options) {
    check<ValueError>(size.height > 0 && size.width > 0, "random_crop: a window of {} x {}", size.height,
                      size.width);
    check<ValueError>(options.padding.height >= 0 && options.padding.width >= 0,
                      "random_crop: negative padding");
    return images("random_crop", [size, options](const Tensor& x, Draws& draws) {
        const auto [down, right] = std::pair(options.padding.height, options.padding.width);
        const Tensor wide = pad(x, {right, right, down, down}, PadMode::constant, options.fill);
        const std::int64_t n = wide.shape()[0], c = wide.shape()[1], height = wide.shape()[2],
                           width = wide.shape()[3];
        check<ShapeError>(size.height <= height && size.width <= width,
                          "random_crop: a window of {} x {} from {} x {} pixels with padding", size.height,
                          size.width, height, width);
        const Tensor first = per_sample<std::int64_t>(x, DType::i64, [&] {
            const std::int64_t top = draws.below(height - size.height + 1);
            return top * width + draws.below(width - size.width + 1);
        });
        const Tensor index = first + places(x, size.height, 2) * width + places(x, size.width, 3);
        const std::int64_t pixels = size.height * size.width;
        return reshape(gather(reshape(wide, {n, c, height * width}), 2,
                              expand(reshape(index, {n, 1, pixels}), {n, c, pixels})),
                       {n, c, size.height, size.width});
    });
}

Transform random_resized_crop(HeightWidth size, const ResizedCropOptions& options) {
    constexpr auto op = "random_resized_crop";
    check<ValueError>(size.height > 0 && size.width > 0, "{}: a size of {} x {}", op, size.height,
                      size.width);
    check_interval(op, "area", options.area, 0);
    check_interval(op, "ratio", options.ratio, 0);
    check<ValueError>(options.area.low > 0 && options.area.high <= 1 && options.ratio.low > 0,
                      "{}: area {} to {} and ratio from {}, expected area in (0, 1], ratio above 0", op,
                      options.area.low, options.area.high, options.ratio.low);
    return images(op, [size, options](const Tensor& x, Draws& draws) {
        std::vector<double> theta;
        const auto aspect = static_cast<double>(x.shape()[3]) / static_cast<double>(x.shape()[2]);
        for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
            const double area = draws.uniform(options.area);
            const double ratio =
                std::exp(draws.uniform({std::log(options.ratio.low), std::log(options.ratio.high)}));
            // Shares of the image's width and height; their product is the area.
            const double width = std::min(1.0, std::sqrt(area * ratio / aspect)),
                         height = std::min(1.0, std::sqrt(area / ratio * aspect));
            const double middle_x = draws.uniform({width - 1, 1 - width}),
                         middle_y = draws.uniform({height - 1, 1 - height});
            theta.insert(theta.end(), {width, 0, middle_x, 0, height, middle_y});
        }
        return sampled(x, theta, size, 0);
    });
}

Transform random_affine(const AffineOptions& options) {
    constexpr auto op = "random_affine";
    check_interval(op, "degrees", options.degrees);
    check_interval(op, "right", options.right);
    check_interval(op, "down", options.down);
    check_interval(op, "scale", options.scale, 0);
    check_interval(op, "stretch", options.stretch, 0);
    check_interval(op, "shear", options.shear, -89);
    check<ValueError>(options.scale.low > 0 && options.stretch.low > 0 && options.shear.high <= 89,
                      "{}: scale from {}, stretch from {}, shear to {}, expected scale and stretch above 0, "
                      "shear within 89 degrees",
                      op, options.scale.low, options.stretch.low, options.shear.high);
    return images(op, [options](const Tensor& x, Draws& draws) {
        const auto height = static_cast<double>(x.shape()[2]), width = static_cast<double>(x.shape()[3]);
        std::vector<double> theta;
        for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
            const double turn = draws.uniform(options.degrees) * pi / 180;
            const double right = draws.uniform(options.right), down = draws.uniform(options.down);
            const double scale = draws.uniform(options.scale);
            const double slant = std::tan(draws.uniform(options.shear) * pi / 180);
            // What is not asked for takes no number from those that follow.
            const double wide = options.stretch.low == options.stretch.high ? options.stretch.low
                                                                            : draws.uniform(options.stretch);
            // A pixel of the result at p (from the centre, in pixels, y down) shows
            // S^-1 D^-1 R^-1 (p - t) / scale, where D stretches by wide^(1/2) across and wide^(-1/2) down.
            const double cosine = std::cos(turn) / scale, sine = std::sin(turn) / scale, q = std::sqrt(wide);
            const double c = sine * q, d = cosine * q, a = cosine / q - slant * c, b = -sine / q - slant * d;
            // affine_grid counts in half widths and half heights.
            theta.insert(theta.end(), {a, b * height / width, -2 * (a * right + b * down) / width,
                                       c * width / height, d, -2 * (c * right + d * down) / height});
        }
        return sampled(x, theta, {x.shape()[2], x.shape()[3]}, options.fill);
    });
}

Transform random_lens(const LensOptions& options) {
    constexpr auto op = "random_lens";
    check_interval(op, "strength", options.strength);
    check<ValueError>(options.strength.low > -1.0 / 3,
                      "{}: strength from {}, expected above -1/3, where the image folds over", op,
                      options.strength.low);
    return images(op, [options](const Tensor& x, Draws& draws) {
        const std::int64_t c = x.shape()[1], h = x.shape()[2], w = x.shape()[3];
        const auto height = static_cast<double>(h), width = static_cast<double>(w);
        const Options as_x{.dtype = x.dtype(), .device = x.device()};
        const Tensor same = unsqueeze(tensor({{1, 0, 0}, {0, 1, 0}}, as_x), 0);
        const Tensor points =
            affine_grid(same, {1, c, h, w});  // (1, H, W, 2), in half widths and half heights
        const double diagonal = width * width + height * height;
        const Tensor shares = tensor({width * width / diagonal, height * height / diagonal}, as_x);
        const Tensor squared = sum(points * points * shares, 3, true);
        const Tensor grid = points * (1 + factors(x, draws, options.strength) * squared);
        return at_points(x, grid, options.fill);
    });
}

Transform color_jitter(const JitterOptions& options) {
    constexpr auto op = "color_jitter";
    check_interval(op, "brightness", options.brightness, 0);
    check_interval(op, "contrast", options.contrast, 0);
    check_interval(op, "saturation", options.saturation, 0);
    check_interval(op, "hue", options.hue);
    return images(op, [options](const Tensor& x, Draws& draws) {
        Tensor y = x * factors(x, draws, options.brightness);
        const Tensor middle = mean(grey(y), {1, 2, 3}, true);
        y = middle + (y - middle) * factors(x, draws, options.contrast);
        const Tensor saturation = factors(x, draws, options.saturation);
        if (x.shape()[1] != 3) return y;
        const Tensor neutral = grey(y);
        y = neutral + (y - neutral) * saturation;
        const bool turns = options.hue.low != 0 || options.hue.high != 0;
        return turns ? turned(y, factors(x, draws, options.hue)) : y;
    });
}

Transform cutout(std::int64_t size, double fill) {
    check<ValueError>(size > 0, "cutout: a square of size {}", size);
    return images("cutout", [size, fill](const Tensor& x, Draws& draws) {
        Tensor inside;
        for (const int dim : {2, 3}) {
            const Tensor from = per_sample<std::int64_t>(
                x, DType::i64, [&] { return draws.below(x.shape()[dim]) - size / 2; });
            const Tensor at = places(x, x.shape()[dim], dim);
            const Tensor between = logical_and(ge(at, from), lt(at, from + size));
            inside = inside.defined() ? logical_and(inside, between) : between;
        }
        return masked_fill(x, inside, fill);
    });
}

Transform mixup(std::int64_t classes, double alpha) {
    check<ValueError>(classes > 0, "mixup: {} classes", classes);
    check<ValueError>(alpha > 0 && std::isfinite(alpha), "mixup: alpha {}, expected a positive number",
                      alpha);
    return [classes, alpha](const data::Batch& batch) {
        const NoGrad guard;
        check<DTypeError>(is_floating(batch.x.dtype()), "mixup: needs floating inputs, not {}",
                          name(batch.x.dtype()));
        Draws draws;
        const double first = draws.gamma(alpha), second = draws.gamma(alpha);
        // Where alpha is so small that both vanish, one sample stays as it is.
        const double share = first + second > 0 ? first / (first + second) : 1;
        const Tensor order = randperm(batch.x.shape()[0], {.dtype = DType::i64, .device = batch.x.device()});
        const auto mixed = [&](const Tensor& t) {
            return t * share + index_select(t, 0, order) * (1 - share);
        };
        data::Batch out = batch;
        out.x = mixed(batch.x);
        out.y = mixed(probabilities(batch, classes));
        return out;
    };
}

}  // namespace adjoint::train
