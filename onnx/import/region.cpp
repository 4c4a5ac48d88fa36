// Images read at places that are computed: grids, regions of interest; and pieces put back where they were.
#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/index.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/rearrange.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/onnx/import/tables.h>
#include <adjoint/onnx/import/window.h>

namespace adjoint::onnx {

namespace {

struct GridAttributes {
    std::string mode, padding;
    bool corners;
};

/// Places beyond the borders brought back by reflection at `low` and `high`.
Tensor reflected(const Tensor& x, double low, double high) {
    if (high <= low) return filled(x.shape(), 0, x);
    const double span = high - low;
    const Tensor from = abs(x - low);
    const Tensor rest = from - floor(from / span) * span;
    const Tensor odd = floor(from / span) - floor(from / (2 * span)) * 2;
    return where(gt(odd, filled({}, 0.5, odd)), span - rest, rest) + low;
}

Tensor placed(const Tensor& x, std::int64_t size, const GridAttributes& g) {
    const double last = static_cast<double>(size - 1);
    if (g.padding == "border") return clamp(x, 0, last);
    if (g.padding == "reflection")
        return clamp(g.corners ? reflected(x, 0, last) : reflected(x, -0.5, last + 0.5), 0, last);
    return x;
}

/// What one axis gives: elements at whole places, and their weights.
struct GridTap {
    Tensor place, weight;  // undefined weight: 1
};

std::vector<GridTap> grid_taps(const Tensor& coordinate, std::int64_t size, const GridAttributes& g) {
    const double n = static_cast<double>(size);
    const Tensor x = g.corners ? (coordinate + 1) * ((n - 1) / 2) : ((coordinate + 1) * n - 1) / 2;
    if (g.mode == "nearest") return {{round(placed(x, size, g)), {}}};
    if (g.mode == "linear") {
        const Tensor at = placed(x, size, g), below = floor(at), part = at - below;
        return {{below, 1 - part}, {below + 1, part}};
    }
    const Tensor below = floor(x), part = x - below;
    constexpr double a = -0.75;
    const auto near = [&](const Tensor& d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
    const auto far = [&](const Tensor& d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
    return {{placed(below - 1, size, g), far(part + 1)},
            {placed(below, size, g), near(part)},
            {placed(below + 1, size, g), near(1 - part)},
            {placed(below + 2, size, g), far(2 - part)}};
}

/// x (N, C, sizes...) at the points of grid (N, sizes'..., D), whose coordinates count from the last axis.
Tensor sampled(const Tensor& x, const Tensor& grid, const GridAttributes& g) {
    const Integers image = spatial_sizes(x);
    const int axes = static_cast<int>(image.size());
    check<ShapeError>(grid.dim() == axes + 2 && grid.size(-1) == axes && grid.size(0) == x.size(0),
                      "a grid of shape {} for {}", grid.shape(), x.shape());
    const std::int64_t n = x.size(0), channels = x.size(1), points = n == 0 ? 0 : grid.numel() / axes / n;
    const Tensor flat = reshape(x, {n, channels, n * channels == 0 ? 0 : x.numel() / (n * channels)});
    std::vector<std::vector<GridTap>> taps;
    for (int i = 0; i < axes; ++i)
        taps.push_back(grid_taps(reshape(select(grid, -1, axes - 1 - i), {n, points}),
                                 image[static_cast<std::size_t>(i)], g));
    Tensor result;
    const auto visit = [&](const auto& self, int axis, const Tensor& place, const Tensor& weight) -> void {
        if (axis == axes) {
            const Tensor index = broadcast_to(unsqueeze(place.to(DType::i64), 1), {n, channels, points});
            Tensor part = gather(flat, 2, index);
            if (weight.defined()) part = part * unsqueeze(weight, 1);
            result = result.defined() ? result + part : part;
            return;
        }
        const double last = static_cast<double>(image[static_cast<std::size_t>(axis)] - 1);
        for (const GridTap& tap : taps[static_cast<std::size_t>(axis)]) {
            const Tensor inside = logical_and(ge(tap.place, filled({}, 0, tap.place)),
                                              le(tap.place, filled({}, last, tap.place)));
            const Tensor own =
                tap.weight.defined() ? tap.weight * inside.to(x.dtype()) : inside.to(x.dtype());
            const Tensor at = clamp(tap.place, 0, last).detach().to(DType::f64);
            self(self, axis + 1, place.defined() ? place * (last + 1) + at : at,
                 weight.defined() ? weight * own : own);
        }
    };
    visit(visit, 0, {}, {});
    Shape shape{n, channels};
    for (int i = 1; i <= axes; ++i) shape.push_back(grid.size(i));
    return reshape(result, shape);
}

Kernel grid_sample_of(const Build& b) {
    GridAttributes g{b.attributes.text("mode", b.opset < 20 ? "bilinear" : "linear"),
                     b.attributes.text("padding_mode", "zeros"), b.attributes.flag("align_corners")};
    if (g.mode == "bilinear") g.mode = "linear";
    if (g.mode == "bicubic") g.mode = "cubic";
    check<ValueError>(g.mode == "linear" || g.mode == "nearest" || g.mode == "cubic", "mode is \"{}\"",
                      g.mode);
    check<ValueError>(g.padding == "zeros" || g.padding == "border" || g.padding == "reflection",
                      "padding_mode is \"{}\"", g.padding);
    return one([g](const Call& c) { return sampled(c[0], c[1].to(c[0].dtype()), g); });
}

/// The points of an image, mapped by theta.
Kernel affine_grid_of(const Build& b) {
    return one([corners = b.attributes.flag("align_corners")](const Call& c) {
        const Integers size = c.integers(1);
        const int axes = static_cast<int>(size.size()) - 2;
        check<ShapeError>(axes == 2 || axes == 3, "a size of {} numbers", size.size());
        Shape result{size[0]};
        for (int i = 0; i < axes; ++i) result.push_back(size[static_cast<std::size_t>(i) + 2]);
        const std::int64_t points = c.bounded(result).numel() / std::max<std::int64_t>(1, size[0]);
        std::vector<double> base;
        for (std::int64_t p = 0; p < points; ++p) {
            std::vector<double> row;
            std::int64_t rest = p;
            for (int i = axes; i >= 1; --i) {
                const std::int64_t n = result[i], at = rest % n;
                rest /= n;
                const double places = static_cast<double>(n), x = static_cast<double>(at);
                row.push_back(corners ? (n == 1 ? 0 : 2 * x / (places - 1) - 1) : (2 * x + 1) / places - 1);
            }
            row.push_back(1);
            base.insert(base.end(), row.begin(), row.end());
        }
        const Tensor grid =
            tensor(base, {points, axes + 1}, {.dtype = c[0].dtype(), .device = c[0].device()});
        result.push_back(axes);
        return reshape(matmul(grid, transpose(c[0], 1, 2)), result);
    });
}

struct RoiAttributes {
    std::int64_t height, width, ratio;
    double scale;
    bool half_pixel, largest;
};

/// Bilinear samples of one axis of a region: for each of `bins` x `samples` points two places and the share
/// of the second; the weight is 0 outside.
struct RoiAxis {
    Integers low, high;
    std::vector<double> share, inside;
};

RoiAxis roi_axis(double start, double length, std::int64_t bins, std::int64_t samples, std::int64_t size) {
    RoiAxis axis;
    for (std::int64_t i = 0; i < bins * samples; ++i) {
        const double bin = length / static_cast<double>(bins);
        double x = start + static_cast<double>(i / samples) * bin +
                   (static_cast<double>(i % samples) + 0.5) * bin / static_cast<double>(samples);
        const double last = static_cast<double>(size - 1);
        axis.inside.push_back(x >= -1 && x <= static_cast<double>(size));
        x = std::clamp(x, 0.0, last);
        const double below = std::floor(x);
        axis.low.push_back(static_cast<std::int64_t>(below));
        axis.high.push_back(std::min(axis.low.back() + 1, size - 1));
        axis.share.push_back(x - below);
    }
    return axis;
}

Tensor roi_pooled(const Tensor& image, const double* box, const RoiAttributes& r) {
    const double shift = r.half_pixel ? 0.5 : 0;
    const double left = box[0] * r.scale - shift, top = box[1] * r.scale - shift;
    double width = box[2] * r.scale - shift - left, height = box[3] * r.scale - shift - top;
    if (!r.half_pixel) width = std::max(width, 1.0), height = std::max(height, 1.0);
    const auto samples = [&](double length, std::int64_t bins) {
        const double own = std::ceil(length / static_cast<double>(bins));
        check<ValueError>(own < 1e6, "a region of size {}", length);
        return r.ratio > 0 ? r.ratio : std::max<std::int64_t>(1, static_cast<std::int64_t>(own));
    };
    const std::int64_t down = samples(height, r.height), across = samples(width, r.width);
    const RoiAxis rows = roi_axis(top, height, r.height, down, image.size(1));
    const RoiAxis columns = roi_axis(left, width, r.width, across, image.size(2));
    const auto weights = [&](const RoiAxis& axis, bool high, const Shape& shape) {
        std::vector<double> w;
        for (std::size_t i = 0; i < axis.share.size(); ++i)
            w.push_back(axis.inside[i] * (high ? axis.share[i] : 1 - axis.share[i]));
        return tensor(w, shape, {.dtype = image.dtype(), .device = image.device()});
    };
    const std::int64_t h = r.height * down, w = r.width * across, channels = image.size(0);
    Tensor all;
    for (const bool low_row : {true, false})
        for (const bool left_column : {true, false}) {
            const Tensor row =
                index_select(image, 1, integers_of(low_row ? rows.low : rows.high).to(image.device()));
            const Tensor part =
                index_select(row, 2,
                             integers_of(left_column ? columns.low : columns.high).to(image.device())) *
                weights(rows, !low_row, {h, 1}) * weights(columns, !left_column, {w});
            // The largest is that of the four weighted corners, too.
            all = !all.defined() ? part : r.largest ? maximum(all, part) : all + part;
        }
    const Tensor bins = reshape(all, {channels, r.height, down, r.width, across});
    return r.largest ? amax(bins, {2, 4}) : mean(bins, {2, 4});
}

Kernel roi_align(const Build& b) {
    const std::string mode = b.attributes.text("mode", "avg");
    const std::string transform = b.attributes.text("coordinate_transformation_mode",
                                                    b.opset < 16 ? "output_half_pixel" : "half_pixel");
    check<ValueError>(mode == "avg" || mode == "max", "mode is \"{}\"", mode);
    const RoiAttributes r{b.attributes.integer("output_height", 1),
                          b.attributes.integer("output_width", 1),
                          b.attributes.integer("sampling_ratio", 0),
                          b.attributes.real("spatial_scale", 1),
                          transform == "half_pixel",
                          mode == "max"};
    check<ValueError>(r.height > 0 && r.width > 0 && r.height < 1 << 16 && r.width < 1 << 16,
                      "a result of {} x {}", r.height, r.width);
    return one([r](const Call& c) {
        const auto boxes = c.numbers(1);
        const Integers batch = c.integers(2);
        check<ShapeError>(c[0].dim() == 4 && boxes.size() == 4 * batch.size(),
                          "{} regions of {} numbers for {}", batch.size(), boxes.size(), c[0].shape());
        (void)c.bounded({static_cast<std::int64_t>(batch.size()), c[0].size(1), r.height, r.width});
        std::vector<Tensor> all;
        for (std::size_t i = 0; i < batch.size(); ++i)
            all.push_back(roi_pooled(select(c[0], 0, batch[i]), boxes.data() + 4 * i, r));
        return all.empty() ? filled({0, c[0].size(1), r.height, r.width}, 0, c[0]) : stack(all);
    });
}

/// The largest of the bins of regions whose corners are rounded.
Kernel max_roi_pool(const Build& b) {
    const auto bins = b.attributes.integers("pooled_shape");
    check<ValueError>(bins && bins->size() == 2 && (*bins)[0] > 0 && (*bins)[1] > 0, "pooled_shape is wrong");
    const double scale = b.attributes.real("spatial_scale", 1);
    return one([bins = *bins, scale](const Call& c) {
        const auto rois = c.numbers(1);
        check<ShapeError>(c[0].dim() == 4 && rois.size() % 5 == 0, "regions of shape {} for {}", c[1].shape(),
                          c[0].shape());
        (void)c.bounded({static_cast<std::int64_t>(rois.size() / 5), c[0].size(1), bins[0], bins[1]});
        std::vector<Tensor> all;
        const auto range = [](double start, double end, std::int64_t count, std::int64_t i,
                              std::int64_t size) {
            const double length = std::max(end - start + 1, 1.0), n = static_cast<double>(count);
            const double first = std::floor(static_cast<double>(i) * length / n) + start;
            const double last = std::ceil(static_cast<double>(i + 1) * length / n) + start;
            const auto clipped = [&](double x) {
                return static_cast<std::int64_t>(std::clamp(x, 0.0, static_cast<double>(size)));
            };
            return std::pair(clipped(first), clipped(last));
        };
        for (std::size_t k = 0; k < rois.size(); k += 5) {
            const Tensor image = select(c[0], 0, static_cast<std::int64_t>(rois[k]));
            const auto at = [&](std::size_t i) { return std::round(rois[k + i] * scale); };
            std::vector<Tensor> cells;
            for (std::int64_t i = 0; i < bins[0]; ++i)
                for (std::int64_t j = 0; j < bins[1]; ++j) {
                    const auto [top, bottom] = range(at(2), at(4), bins[0], i, image.size(1));
                    const auto [left, right] = range(at(1), at(3), bins[1], j, image.size(2));
                    if (bottom <= top || right <= left) {
                        cells.push_back(filled({image.size(0)}, 0, image));
                        continue;
                    }
                    cells.push_back(
                        amax(narrow(narrow(image, 1, top, bottom - top), 2, left, right - left), {1, 2}));
                }
            all.push_back(reshape(stack(cells, 1), {image.size(0), bins[0], bins[1]}));
        }
        return all.empty() ? filled({0, c[0].size(1), bins[0], bins[1]}, 0, c[0]) : stack(all);
    });
}

/// The elements written to the places that MaxPool has given.
Kernel max_unpool(const Build& b) {
    return one([attributes = window_attributes(b)](const Call& c) {
        const Integers image = spatial_sizes(c[0]), &kernel = attributes.kernel;
        check<ShapeError>(kernel.size() == image.size(), "a kernel of {} axes", kernel.size());
        Shape shape = c[0].shape();
        for (std::size_t i = 0; i < image.size(); ++i) {
            const std::int64_t stride = attributes.strides.empty() ? 1 : attributes.strides.at(i);
            const std::int64_t pads =
                attributes.pads.empty() ? 0 : attributes.pads.at(i) + attributes.pads.at(i + image.size());
            shape[static_cast<int>(i) + 2] = checked_mul(image[i] - 1, stride) - pads + kernel[i];
        }
        const std::int64_t count = c.bounded(shape).numel();
        const Tensor flat = index_add(filled({count}, 0, c[0]), 0, reshape(c[1], {c[1].numel()}),
                                      reshape(c[0], {c[0].numel()}));
        Tensor y = reshape(flat, shape);
        if (!c.has(2)) return y;
        const Shape wanted = c.bounded(shape_of(c.integers(2)));
        check<ShapeError>(wanted.size() == shape.size(), "output_shape is {}", wanted);
        Integers amounts;
        for (int i = wanted.size() - 1; i >= 0; --i) {
            amounts.push_back(0);
            amounts.push_back(wanted[i] - shape[i]);
        }
        return pad(y, shape_of(amounts));
    });
}

/// Columns, one for each window, summed into an image.
Kernel col_to_im(const Build& b) {
    return one([attributes = window_attributes(b)](const Call& c) {
        const Integers image = c.integers(1), block = c.integers(2);
        const auto axes = window_axes(attributes, image, block);
        const Tensor& x = c[0];
        Shape padded;
        std::int64_t elements = 1, windows = 1;
        for (std::size_t i = 0; i < axes.size(); ++i) {
            padded.push_back(image[i] + axes[i].before + axes[i].after);
            elements = checked_mul(elements, axes[i].kernel);
            windows = checked_mul(windows, axes[i].result);
        }
        check<ShapeError>(x.dim() == 3 && x.size(1) % elements == 0 && x.size(2) == windows,
                          "columns of shape {} for {} windows of {}", x.shape(), windows, elements);
        Integers places;
        const Shape strides = dense_strides(padded);
        for (std::int64_t e = 0; e < elements; ++e)
            for (std::int64_t w = 0; w < windows; ++w) {
                std::int64_t place = 0, element = e, window = w;
                for (int i = padded.size() - 1; i >= 0; --i) {
                    const WindowAxis& axis = axes[static_cast<std::size_t>(i)];
                    const std::int64_t at =
                        element % axis.kernel * axis.dilation + window % axis.result * axis.stride;
                    place += at * strides[i];
                    element /= axis.kernel;
                    window /= axis.result;
                }
                places.push_back(place);
            }
        const std::int64_t n = x.size(0), channels = x.size(1) / elements;
        const Tensor source = reshape(x, {n, channels, elements * windows});
        const std::int64_t whole = c.bounded(padded).numel();
        Tensor y =
            index_add(filled({n, channels, whole}, 0, x), 2, integers_of(places).to(x.device()), source);
        Shape shape{n, channels};
        for (const std::int64_t size : padded) shape.push_back(size);
        y = reshape(y, shape);
        for (std::size_t i = 0; i < axes.size(); ++i)
            y = narrow(y, static_cast<int>(i) + 2, axes[i].before, image[i]);
        return y;
    });
}

}  // namespace

std::span<const Row> region_rows() {
    static constexpr Row rows[] = {
        {"AffineGrid", 20, affine_grid_of, set_of({1})},
        {.name = "Col2Im", .since = 18, .make = col_to_im, .host = set_of({1, 2}), .costly = true},
        {"GridSample", 16, grid_sample_of},
        {.name = "MaxRoiPool", .since = 1, .make = max_roi_pool, .host = set_of({1}), .costly = true},
        {"MaxUnpool", 9, max_unpool, set_of({2})},
        {.name = "RoiAlign", .since = 10, .make = roi_align, .host = set_of({1, 2}), .costly = true},
    };
    return rows;
}

}  // namespace adjoint::onnx
