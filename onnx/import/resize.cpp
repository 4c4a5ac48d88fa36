// Images in other sizes. Along each axis a result is a weighted sum of a few elements, its taps.
#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/resample.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/helpers.h>
#include <adjoint/onnx/import/tables.h>

namespace adjoint::onnx {

namespace {

struct ResizeAttributes {
    std::string mode = "nearest", coordinates = "asymmetric", nearest = "floor", policy = "stretch";
    double cubic = -0.75, extrapolation = 0;
    bool exclude_outside = false, antialias = false;
    std::optional<Integers> axes;
};

/// One axis of a resize.
struct ResizeAxis {
    std::int64_t in, out;
    double scale;
    double start = 0, end = 1;  // of the region that is cut out
};

/// Where in the input the centre of a result lies.
double coordinate(const std::string& how, const ResizeAxis& a, std::int64_t i) {
    const double x = static_cast<double>(i), in = static_cast<double>(a.in), out = static_cast<double>(a.out);
    if (how == "asymmetric") return x / a.scale;
    // The last place is that of the size before it is rounded down.
    if (how == "align_corners") return a.out == 1 ? 0 : x * (in - 1) / (a.scale * in - 1);
    if (how == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
    if (how == "pytorch_half_pixel" && a.out == 1) return 0;
    if (how == "tf_crop_and_resize")
        return a.out > 1 ? a.start * (in - 1) + x * (a.end - a.start) * (in - 1) / (out - 1)
                         : 0.5 * (a.start + a.end) * (in - 1);
    if (how == "half_pixel_symmetric") {
        const double adjustment = out / (a.scale * in);
        return in / 2 * (1 - adjustment) + (x + 0.5) / a.scale - 0.5;
    }
    return (x + 0.5) / a.scale - 0.5;
}

double nearest_place(const std::string& how, double x) {
    if (how == "floor") return std::floor(x);
    if (how == "ceil") return std::ceil(x);
    if (how == "round_prefer_ceil") return std::floor(x + 0.5);
    return std::ceil(x - 0.5);
}

/// The weight of an element at distance d; a below 0 is that of cubic splines.
double weight_at(bool cubic, double a, double d) {
    d = std::abs(d);
    if (!cubic) return std::max(0.0, 1 - d);
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    return 0;
}

struct Tap {
    std::int64_t place;
    double weight;
};

std::vector<Tap> taps_at(const ResizeAttributes& r, const ResizeAxis& axis, double x) {
    const std::int64_t last = axis.in - 1;
    const auto inside = [&](double place) {
        return static_cast<std::int64_t>(std::clamp(place, 0.0, static_cast<double>(last)));
    };
    if (r.mode == "nearest") return {{inside(nearest_place(r.nearest, x)), 1}};
    const bool cubic = r.mode == "cubic";
    const double shrink = r.antialias ? std::min(1.0, axis.scale) : 1;
    const double reach = (cubic ? 2 : 1) / shrink;
    std::vector<Tap> taps;
    double sum = 0;
    for (double place = std::floor(x - reach) + 1; place < x + reach; ++place) {
        const bool outside = place < 0 || place > static_cast<double>(last);
        const double weight = weight_at(cubic, r.cubic, (place - x) * shrink);
        if (outside && r.exclude_outside) continue;
        taps.push_back({inside(place), weight});
        sum += weight;
    }
    if (r.antialias || r.exclude_outside)
        for (Tap& tap : taps) tap.weight /= sum;
    if (taps.empty()) taps.push_back({inside(x), 1});
    return taps;
}

Tensor resized_axis(const Tensor& x, int dim, const ResizeAttributes& r, const ResizeAxis& axis) {
    std::vector<std::vector<Tap>> all;
    std::size_t most = 0;
    for (std::int64_t i = 0; i < axis.out; ++i) {
        all.push_back(taps_at(r, axis, coordinate(r.coordinates, axis, i)));
        most = std::max(most, all.back().size());
    }
    Tensor y;
    for (std::size_t k = 0; k < most; ++k) {
        Integers places;
        std::vector<double> weights;
        for (const auto& taps : all) {
            places.push_back(taps[std::min(k, taps.size() - 1)].place);
            weights.push_back(k < taps.size() ? taps[k].weight : 0);
        }
        Tensor part = index_select(x, dim, integers_of(places).to(x.device()));
        if (r.mode != "nearest") {
            Shape along = Shape::filled(x.dim(), 1);
            along[dim] = axis.out;
            part = part * tensor(weights, along, {.dtype = x.dtype(), .device = x.device()});
        }
        y = y.defined() ? y + part : part;
    }
    return y;
}

/// True where an axis reads outside of the input, of shape (out) along `dim`.
Tensor outside_of(const Tensor& x, int dim, const ResizeAttributes& r, const ResizeAxis& axis) {
    Integers flags;
    for (std::int64_t i = 0; i < axis.out; ++i) {
        const double place = coordinate(r.coordinates, axis, i);
        flags.push_back(place < 0 || place > static_cast<double>(axis.in - 1));
    }
    Shape along = Shape::filled(x.dim(), 1);
    along[dim] = axis.out;
    return integers_of(flags, along).to(DType::boolean).to(x.device());
}

/// Whether the library's own function of images does the same.
std::optional<InterpolateOptions> plain_interpolation(const Tensor& x, const ResizeAttributes& r,
                                                      const std::vector<ResizeAxis>& axes) {
    if (x.dim() != 4 || !is_floating(x.dtype()) || r.mode != "linear" || r.antialias || r.exclude_outside)
        return {};
    const bool corners = r.coordinates == "align_corners";
    if (!corners && r.coordinates != "half_pixel") return {};
    for (std::size_t i = 0; i < 4; ++i) {
        const double own = static_cast<double>(axes[i].out) / static_cast<double>(axes[i].in);
        if (axes[i].scale != own || (i < 2 && axes[i].out != axes[i].in)) return {};
    }
    return InterpolateOptions{
        .size = {axes[2].out, axes[3].out}, .mode = InterpolateMode::bilinear, .align_corners = corners};
}

Tensor resized(const Call& c, const Tensor& x, const ResizeAttributes& r,
               const std::vector<ResizeAxis>& axes) {
    Shape result = x.shape();
    for (int i = 0; i < x.dim(); ++i) result[i] = axes[static_cast<std::size_t>(i)].out;
    (void)c.bounded(result);
    constexpr std::int64_t longest = std::int64_t{1} << 24;
    for (const std::int64_t size : result) check<ValueError>(size <= longest, "a result of shape {}", result);
    if (x.numel() == 0 || result.numel() == 0) {
        check<ShapeError>(result.numel() == 0, "{} cannot be resized to {}", x.shape(), result);
        return filled(result, 0, x);
    }
    if (const auto options = plain_interpolation(x, r, axes)) return interpolate(x, *options);
    const bool crop = r.coordinates == "tf_crop_and_resize";
    Tensor y = x, outside;
    for (int i = 0; i < x.dim(); ++i) {
        const ResizeAxis& axis = axes[static_cast<std::size_t>(i)];
        if (axis.in == axis.out && axis.scale == 1 && !crop) continue;
        y = resized_axis(y, i, r, axis);
        if (!crop) continue;
        const Tensor mask = outside_of(x, i, r, axis);
        outside = outside.defined() ? logical_or(outside, mask) : mask;
    }
    return outside.defined() ? where(outside, filled({}, r.extrapolation, y), y) : y;
}

Tensor resized_any(const Call& c, const ResizeAttributes& r, const std::vector<ResizeAxis>& axes) {
    if (r.mode == "nearest") return resized(c, c[0], r, axes);
    return in_floating(c[0], [&](const Tensor& x) { return resized(c, x, r, axes); });
}

std::vector<ResizeAxis> unchanged_axes(const Tensor& x) {
    std::vector<ResizeAxis> axes;
    for (const std::int64_t size : x.shape()) axes.push_back({size, size, 1});
    return axes;
}

void set_scale(ResizeAxis& axis, double scale) {
    check<ValueError>(scale > 0 && scale < 1e12, "a scale of {}", scale);
    axis.scale = scale;
    // 5 times 2.6 is 13 only in the type that the scales have.
    axis.out = static_cast<std::int64_t>(std::floor(static_cast<float>(axis.in) * static_cast<float>(scale)));
}

void set_sizes(const ResizeAttributes& r, std::vector<ResizeAxis>& axes, const Integers& which,
               Integers sizes) {
    double common = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        ResizeAxis& axis = axes[static_cast<std::size_t>(which[i])];
        const double scale = static_cast<double>(sizes[i]) / static_cast<double>(axis.in);
        const bool larger = r.policy == "not_smaller";
        common = i == 0 ? scale : larger ? std::max(common, scale) : std::min(common, scale);
        axis.out = sizes[i];
        axis.scale = axis.in == 0 ? 1 : scale;
    }
    if (r.policy == "stretch") return;
    for (const std::int64_t i : which) {
        ResizeAxis& axis = axes[static_cast<std::size_t>(i)];
        axis.scale = common;
        axis.out = static_cast<std::int64_t>(std::floor(common * static_cast<double>(axis.in) + 0.5));
    }
}

ResizeAttributes resize_attributes(const Build& b) {
    ResizeAttributes r;
    const Attributes& a = b.attributes;
    r.mode = a.text("mode", "nearest");
    if (r.mode == "bilinear" || r.mode == "trilinear") r.mode = "linear";
    check<ValueError>(r.mode == "nearest" || r.mode == "linear" || r.mode == "cubic", "mode is \"{}\"",
                      r.mode);
    if (b.opset < 11) return r;
    r.coordinates = a.text("coordinate_transformation_mode", "half_pixel");
    constexpr const char* known[] = {"half_pixel",        "half_pixel_symmetric", "pytorch_half_pixel",
                                     "align_corners",     "asymmetric",           "tf_half_pixel_for_nn",
                                     "tf_crop_and_resize"};
    check<ValueError>(std::find(std::begin(known), std::end(known), r.coordinates) != std::end(known),
                      "coordinate_transformation_mode is \"{}\"", r.coordinates);
    r.nearest = a.text("nearest_mode", "round_prefer_floor");
    r.cubic = a.real("cubic_coeff_a", -0.75);
    r.exclude_outside = a.flag("exclude_outside");
    r.extrapolation = a.real("extrapolation_value", 0);
    r.antialias = a.flag("antialias");
    r.policy = a.text("keep_aspect_ratio_policy", "stretch");
    r.axes = a.integers("axes");
    return r;
}

/// Version 10 has scales, later ones a region, scales or sizes, and from 18 on for some axes.
Kernel resize_of(const Build& b) {
    return [r = resize_attributes(b), opset = b.opset](const Call& c) -> Values {
        std::vector<ResizeAxis> axes = unchanged_axes(c[0]);
        Integers which;
        for (int i = 0; i < c[0].dim(); ++i) which.push_back(i);
        if (r.axes) {
            which.clear();
            for (const std::int64_t axis : *r.axes) which.push_back(wrapped_axis(axis, c[0].dim()));
        }
        const std::size_t scales_at = opset < 11 ? 1 : 2;
        const auto scales = c.has(scales_at) ? c.numbers(scales_at) : std::vector<double>{};
        if (!scales.empty()) {
            check<ShapeError>(scales.size() == which.size(), "{} scales for {} axes", scales.size(),
                              which.size());
            for (std::size_t i = 0; i < which.size(); ++i)
                set_scale(axes[static_cast<std::size_t>(which[i])], scales[i]);
        } else {
            const Integers sizes = c.integers(3);
            check<ShapeError>(sizes.size() == which.size(), "{} sizes for {} axes", sizes.size(),
                              which.size());
            set_sizes(r, axes, which, sizes);
        }
        if (r.coordinates == "tf_crop_and_resize") {
            const auto region = c.numbers(1);
            check<ShapeError>(region.size() == 2 * which.size(), "a region of {} numbers", region.size());
            for (std::size_t i = 0; i < which.size(); ++i) {
                axes[static_cast<std::size_t>(which[i])].start = region[i];
                axes[static_cast<std::size_t>(which[i])].end = region[i + which.size()];
            }
        }
        return {Value(resized_any(c, r, axes), c.type(0))};
    };
}

/// The scales are an attribute in version 7, an input in version 9.
Kernel upsample(const Build& b) {
    const auto fixed = b.attributes.reals("scales");
    return
        [fixed, r = resize_attributes({b.attributes, 7, b.inputs, b.outputs, {}})](const Call& c) -> Values {
            std::vector<ResizeAxis> axes = unchanged_axes(c[0]);
            const auto scales = fixed ? *fixed : c.numbers(1);
            check<ShapeError>(scales.size() == axes.size(), "{} scales for {}", scales.size(), c[0].shape());
            for (std::size_t i = 0; i < axes.size(); ++i) set_scale(axes[i], scales[i]);
            return {Value(resized_any(c, r, axes), c.type(0))};
        };
}

}  // namespace

std::span<const Row> resize_rows() {
    static constexpr Row rows[] = {
        {"Resize", 10, resize_of, set_of({1, 2, 3})},
        {"Upsample", 7, upsample, set_of({1})},
    };
    return rows;
}

}  // namespace adjoint::onnx
