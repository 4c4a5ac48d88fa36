// Rows of resizing and sampling images.
#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/resample.h>

#include "op_table/op_table.h"

namespace adjoint::table {
namespace {

// The image at a point given in pixels, bilinear; pixels outside are 0.
double sample(const Array& x, std::int64_t n, std::int64_t c, double h, double w) {
    double total = 0;
    for (const double i : {std::floor(h), std::floor(h) + 1}) {
        for (const double j : {std::floor(w), std::floor(w) + 1}) {
            if (i < 0 || j < 0 || i >= static_cast<double>(x.shape[2]) ||
                j >= static_cast<double>(x.shape[3]))
                continue;
            const double weight = (1 - std::abs(h - i)) * (1 - std::abs(w - j));
            total += weight * x.at({n, c, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)});
        }
    }
    return total;
}

struct Resize {
    const char* variant;
    Shape x;
    InterpolateOptions options;
    std::int64_t height, width;
};

double source(std::int64_t at, std::int64_t from, std::int64_t to, const InterpolateOptions& options) {
    const auto i = static_cast<double>(at), n = static_cast<double>(from), m = static_cast<double>(to);
    const double step = options.scale_factor > 0 ? 1 / options.scale_factor : n / m;
    if (options.mode == InterpolateMode::nearest) return std::min(std::floor(i * step + 1e-9), n - 1);
    const double place =
        options.align_corners ? (to > 1 ? i * (n - 1) / (m - 1) : 0) : (i + 0.5) * step - 0.5;
    return std::clamp(place, 0.0, n - 1);
}

void add_interpolate(Rows& rows) {
    const auto bilinear = InterpolateMode::bilinear;
    const Resize cases[] = {
        {"nearest", {2, 2, 3, 4}, {.size = {5, 6}}, 5, 6},
        {"nearestsmaller", {1, 2, 5, 6}, {.size = {2, 4}}, 2, 4},
        {"nearestscale", {1, 2, 3, 5}, {.scale_factor = 1.5}, 4, 7},
        {"bilinear", {2, 2, 3, 4}, {.size = {5, 7}, .mode = bilinear}, 5, 7},
        {"bilinearcorners", {1, 2, 3, 4}, {.size = {6, 3}, .mode = bilinear, .align_corners = true}, 6, 3},
        {"bilinearsmaller", {1, 2, 6, 5}, {.size = {1, 2}, .mode = bilinear}, 1, 2},
        {"bilinearone", {1, 1, 3, 3}, {.size = {1, 4}, .mode = bilinear, .align_corners = true}, 1, 4},
        {"bilinearscale", {1, 2, 3, 5}, {.scale_factor = 1.7, .mode = bilinear}, 5, 8},
    };
    for (const Resize& c : cases) {
        Row row;
        row.op = "interpolate";
        row.variant = c.variant;
        row.inputs = {{.shape = c.x}};
        row.call = [o = c.options](const Tensors& in) { return Tensors{interpolate(in[0], o)}; };
        row.reference = [c](const Arrays& in) {
            return Arrays{build({c.x[0], c.x[1], c.height, c.width}, [&](const Shape& p) {
                return sample(in[0], p[0], p[1], source(p[2], c.x[2], c.height, c.options),
                              source(p[3], c.x[3], c.width, c.options));
            })};
        };
        rows.push_back(std::move(row));
    }
}

void add_grids(Rows& rows) {
    for (const bool align : {false, true}) {
        Row grid;
        grid.op = "affine_grid";
        grid.variant = align ? "corners" : "edges";
        grid.inputs = {{.shape = {2, 2, 3}}};
        grid.call = [align](const Tensors& in) {
            return Tensors{affine_grid(in[0], {2, 5, 3, 4}, align), affine_grid(in[0], {2, 5, 1, 2}, align)};
        };
        grid.reference = [align](const Arrays& in) {
            const auto points = [&](std::int64_t height, std::int64_t width) {
                const auto coordinate = [align](std::int64_t at, std::int64_t count) {
                    const auto i = static_cast<double>(at), n = static_cast<double>(count);
                    if (align) return count > 1 ? -1 + 2 * i / (n - 1) : 0.0;
                    return -1 + (2 * i + 1) / n;
                };
                return build({2, height, width, 2}, [&](const Shape& p) {
                    return in[0].at({p[0], p[3], 0}) * coordinate(p[2], width) +
                           in[0].at({p[0], p[3], 1}) * coordinate(p[1], height) + in[0].at({p[0], p[3], 2});
                });
            };
            return Arrays{points(3, 4), points(1, 2)};
        };
        rows.push_back(std::move(grid));

        // Points up to 1.4 lie outside the image; the kinks are where a point meets a pixel's centre.
        Row sampled;
        sampled.op = "grid_sample";
        sampled.variant = align ? "corners" : "edges";
        Input places{.shape = {2, 3, 2, 2}, .low = -1.4, .high = 1.4};
        for (const double n : {3.0, 4.0})
            for (double i = -1; i <= n; ++i)
                places.avoid.push_back(align ? 2 * i / (n - 1) - 1 : (2 * i + 1) / n - 1);
        sampled.inputs = {{.shape = {2, 2, 3, 4}}, places};
        sampled.call = [align](const Tensors& in) {
            return Tensors{grid_sample(in[0], in[1], {.align_corners = align})};
        };
        sampled.reference = [align](const Arrays& in) {
            return Arrays{build({2, 2, 3, 2}, [&](const Shape& p) {
                const auto pixel = [&](std::int64_t axis, std::int64_t size) {
                    const double at = in[1].at({p[0], p[2], p[3], axis}), n = static_cast<double>(size);
                    return align ? (at + 1) / 2 * (n - 1) : ((at + 1) * n - 1) / 2;
                };
                return sample(in[0], p[0], p[1], pixel(1, 3), pixel(0, 4));
            })};
        };
        rows.push_back(std::move(sampled));
    }
}

}  // namespace

void add_resample(Rows& rows) {
    add_interpolate(rows);
    add_grids(rows);
}

}  // namespace adjoint::table
