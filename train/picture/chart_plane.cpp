// What a chart shows of a function of the plane: coloured regions and lines of equal value.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/train/picture/chart.h>
#include <adjoint/train/picture/png.h>

namespace adjoint::picture {
namespace {

// Lines are straight within a cell; each crossing is text in the file.
constexpr int contour_cells = 90;

std::pair<Scale, Scale> plane(const ChartOptions& options, const char* what) {
    check<ValueError>(options.x.range && options.y.range, "chart: {} need a range of x and of y", what);
    const Axis &x = options.x, &y = options.y;
    return {Scale(x.range->first, x.range->second, x.log), Scale(y.range->first, y.range->second, y.log)};
}

void append_color(std::vector<std::uint8_t>& pixels, const std::string& color) {
    const auto channels = color_channels(color);
    pixels.insert(pixels.end(), channels.begin(), channels.end());
}

// Class 1's probability: from the first colour over near white to the second, with a visible step at 1/2.
std::string probability_color(double p) {
    const double strength = std::min(std::abs(p - 0.5) * 2, 1.0);
    return blend("#ffffff", series_color(p < 0.5 ? 0 : 1), 0.12 + 0.43 * strength);
}

// Segments put together into lines, with NaN between them.
std::vector<Point> chained(const std::vector<std::pair<Point, Point>>& segments) {
    using Key = std::pair<double, double>;
    const auto key = [](const Point& p) { return Key{p.x, p.y}; };
    std::multimap<Key, std::size_t> ends;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        ends.emplace(key(segments[i].first), i);
        ends.emplace(key(segments[i].second), i);
    }
    std::vector<bool> taken(segments.size(), false);
    // From `at` on, as far as it goes.
    const auto follow = [&](Point at, const auto& visit) {
        for (bool found = true; found;) {
            found = false;
            const auto [first, last] = ends.equal_range(key(at));
            for (auto end = first; end != last; ++end) {
                if (taken[end->second]) continue;
                taken[end->second] = found = true;
                const auto& [a, b] = segments[end->second];
                at = key(a) == key(at) ? b : a;
                visit(at);
                break;
            }
        }
    };
    std::vector<Point> lines;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (taken[i]) continue;
        taken[i] = true;
        std::vector<Point> before, after{segments[i].second};
        follow(segments[i].second, [&](const Point& p) { after.push_back(p); });
        follow(segments[i].first, [&](const Point& p) { before.push_back(p); });
        lines.insert(lines.end(), before.rbegin(), before.rend());
        lines.push_back(segments[i].first);
        lines.insert(lines.end(), after.begin(), after.end());
        lines.push_back({NAN, NAN});
    }
    return lines;
}

}  // namespace

Chart& Chart::regions(const std::function<Tensor(const Tensor& points)>& classify, int cells) {
    check<ValueError>(cells > 0, "chart: regions of {} cells", cells);
    const auto [sx, sy] = plane(options_, "regions");
    const Tensor points = empty({std::int64_t{cells} * cells, 2}, f32, Device::cpu());
    float* out = points.mutable_data<float>();
    for (int row = 0; row < cells; ++row)
        for (int column = 0; column < cells; ++column) {
            *out++ = static_cast<float>(sx.value((column + 0.5) / cells));
            *out++ = static_cast<float>(sy.value(1 - (row + 0.5) / cells));
        }
    const NoGrad guard;
    const Tensor answer = classify(points);
    check<ShapeError>(answer.numel() == points.size(0), "chart: regions expected {} answers got shape {}",
                      points.size(0), answer.shape());
    std::vector<std::uint8_t> pixels;
    for (const double v : answer.to_vector<double>())
        append_color(pixels, is_floating(answer.dtype())
                                 ? probability_color(v)
                                 : blend("#ffffff", series_color(static_cast<std::size_t>(v)), 0.4));
    background_ = png(pixels, cells, cells, 3);
    return *this;
}

// Marching squares: each cell whose corners lie on both sides of a level is crossed by one or two segments.
Chart& Chart::contour(const std::function<double(double x, double y)>& f, Values levels) {
    const auto [sx, sy] = plane(options_, "contours");
    const auto position = [](int i) { return static_cast<double>(i) / contour_cells; };
    const auto index = [](int row, int column) {
        return static_cast<std::size_t>(row) * (contour_cells + 1) + static_cast<std::size_t>(column);
    };
    Values values;
    for (int row = 0; row <= contour_cells; ++row)
        for (int column = 0; column <= contour_cells; ++column)
            values.push_back(f(sx.value(position(column)), sy.value(position(row))));

    for (std::size_t n = 0; n < levels.size(); ++n) {
        Level level{levels.size() > 1 ? static_cast<double>(n) / static_cast<double>(levels.size() - 1) : 0,
                    {}};
        std::vector<std::pair<Point, Point>> segments;
        for (int row = 0; row < contour_cells; ++row)
            for (int column = 0; column < contour_cells; ++column) {
                const std::array<std::array<int, 2>, 4> corners{
                    {{row, column}, {row, column + 1}, {row + 1, column + 1}, {row + 1, column}}};
                std::vector<Point> crossings;
                for (std::size_t k = 0; k < 4; ++k) {
                    // A side has one crossing, from whichever cell it is seen.
                    const auto &a = std::min(corners[k], corners[(k + 1) % 4]),
                               &b = std::max(corners[k], corners[(k + 1) % 4]);
                    const double va = values[index(a[0], a[1])] - levels[n],
                                 vb = values[index(b[0], b[1])] - levels[n];
                    if ((va < 0) == (vb < 0) || !std::isfinite(va) || !std::isfinite(vb)) continue;
                    const double share = va / (va - vb);
                    crossings.push_back({sx.value(position(a[1]) + share * (b[1] - a[1]) / contour_cells),
                                         sy.value(position(a[0]) + share * (b[0] - a[0]) / contour_cells)});
                }
                if (crossings.size() % 2 == 0)
                    for (std::size_t k = 0; k < crossings.size(); k += 2)
                        segments.emplace_back(crossings[k], crossings[k + 1]);
            }
        level.lines = chained(segments);
        levels_.push_back(std::move(level));
    }
    return *this;
}

}  // namespace adjoint::picture
