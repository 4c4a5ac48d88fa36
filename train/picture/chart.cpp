// Layout of a chart: the plane with its axes, the layers in it, the legend beside it.
#include <adjoint/train/picture/chart.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/core/base/format.h>

namespace adjoint::picture {
namespace {

constexpr double legend_line = 20;

// Curves of more points than the picture has pixels keep the least and the greatest of each stretch.
std::vector<Point> thin_out(const std::vector<Point>& points, std::size_t stretches) {
    if (points.size() <= 4 * stretches) return points;
    std::vector<Point> kept{points.front()};
    for (std::size_t i = 0; i < stretches; ++i) {
        const auto first = points.begin() + static_cast<std::ptrdiff_t>(points.size() * i / stretches);
        const auto last = points.begin() + static_cast<std::ptrdiff_t>(points.size() * (i + 1) / stretches);
        auto [low, high] =
            std::minmax_element(first, last, [](const Point& a, const Point& b) { return a.y < b.y; });
        if (high < low) std::swap(low, high);
        kept.push_back(*low);
        if (high != low) kept.push_back(*high);
    }
    kept.push_back(points.back());
    return kept;
}

}  // namespace

Chart::Chart(ChartOptions options) : options_(std::move(options)) {}

Chart& Chart::add(Series series) {
    check<ShapeError>(series.x.size() == series.y.size() || series.kind == Series::Kind::bars,
                      "chart: series '{}' has {} x and {} y", series.name, series.x.size(), series.y.size());
    series.color = series_.size();
    // A second series of one name (its points beside its curve) has the colour of the first.
    for (const Series& other : series_)
        if (!series.name.empty() && other.name == series.name) series.color = other.color;
    series_.push_back(std::move(series));
    return *this;
}

Chart& Chart::line(std::string name, Values x, Values y, const LineStyle& style) {
    return add({Series::Kind::line, std::move(name), std::move(x), std::move(y), style});
}

Chart& Chart::curve(std::string name, Values y, const LineStyle& style) {
    Values x(y.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i + 1);
    return line(std::move(name), std::move(x), std::move(y), style);
}

Chart& Chart::scatter(std::string name, Values x, Values y, double radius) {
    return add({Series::Kind::scatter, std::move(name), std::move(x), std::move(y), {}, radius});
}

Chart& Chart::histogram(std::string name, const Values& values, int bins) {
    check<ValueError>(bins > 0, "chart: a histogram of {} bins", bins);
    Range range = options_.x.range.value_or(Range{0, 1});
    if (!options_.x.range && !values.empty()) {
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        range = {*low, *high};
    }
    const Scale scale(range.first, range.second);
    Values edges, counts(static_cast<std::size_t>(bins), 0.0);
    for (int i = 0; i <= bins; ++i) edges.push_back(scale.value(static_cast<double>(i) / bins));
    for (const double v : values) {
        const double at = scale.position(v);
        if (!(at >= 0 && at <= 1)) continue;
        ++counts[std::min(static_cast<std::size_t>(at * bins), counts.size() - 1)];
    }
    return add({Series::Kind::bars, std::move(name), std::move(edges), std::move(counts), {}});
}

Scale Chart::scale(bool horizontal) const {
    const Axis& axis = horizontal ? options_.x : options_.y;
    if (axis.range) return Scale(axis.range->first, axis.range->second, axis.log);
    double low = std::numeric_limits<double>::infinity(), high = -low;
    bool bars = false;
    for (const Series& s : series_) {
        bars = bars || s.kind == Series::Kind::bars;
        for (const double v : horizontal ? s.x : s.y) {
            if (!std::isfinite(v) || (axis.log && v <= 0)) continue;
            low = std::min(low, v);
            high = std::max(high, v);
        }
    }
    if (low > high) return axis.log ? Scale(0.1, 1, true) : Scale(0, 1);
    if (bars && !horizontal && !axis.log) low = 0;
    const Scale tight(low, high, axis.log);
    const bool line_only = horizontal && std::none_of(series_.begin(), series_.end(), [](const Series& s) {
                               return s.kind == Series::Kind::scatter || s.style.points;
                           });
    const double margin = line_only ? 0 : 0.05;
    return Scale(bars && !horizontal ? 0 : tight.value(-margin), tight.value(1 + margin), axis.log);
}

Svg Chart::draw() const {
    const Scale sx = scale(true), sy = scale(false);
    std::vector<double> x_ticks = sx.ticks();
    const std::vector<double> y_ticks = sy.ticks();
    const auto is_whole = [](double v) { return v == std::round(v); };
    // Between epochs 1 and 2 there is nothing to mark.
    if (!options_.x.range && !series_.empty() &&
        std::all_of(series_.begin(), series_.end(),
                    [&](const Series& s) { return std::all_of(s.x.begin(), s.x.end(), is_whole); }))
        std::erase_if(x_ticks, [&](double tick) { return !is_whole(tick); });
    double tick_width = 0, legend_width = 0;
    for (const double tick : y_ticks) tick_width = std::max(tick_width, text_width(label(tick)));
    std::vector<const Series*> named;
    for (const Series& s : series_)
        if (!s.name.empty() &&
            std::none_of(named.begin(), named.end(), [&](auto* o) { return o->name == s.name; })) {
            named.push_back(&s);
            legend_width = std::max(legend_width, text_width(s.name) + 54);
        }
    const double left = tick_width + (options_.y.label.empty() ? 18 : 40);
    const double top = options_.title.empty() ? 18 : 40;
    const double bottom = options_.x.label.empty() ? 30 : 50;
    const double right = std::max(legend_width, 22.0);
    const double width = options_.width - left - right, height = options_.height - top - bottom;
    check<ValueError>(width > 40 && height > 40, "chart: no room in {} x {}", options_.width,
                      options_.height);
    const auto at = [&](double x, double y) {
        return Point{left + width * sx.position(x), top + height * (1 - sy.position(y))};
    };

    Svg svg(options_.width, options_.height);
    if (!options_.title.empty()) svg.text({left + width / 2, 24}, options_.title, {.size = 15, .bold = true});
    if (!background_.empty()) svg.image({left, top}, width, height, background_);
    for (const double tick : x_ticks) {
        const double x = at(tick, sy.low()).x;
        svg.line({x, top}, {x, top + height}, R"(stroke="#000000" stroke-opacity="0.1")");
        svg.text({x, top + height + 17}, label(tick));
    }
    for (const double tick : y_ticks) {
        const double y = at(sx.low(), tick).y;
        svg.line({left, y}, {left + width, y}, R"(stroke="#000000" stroke-opacity="0.1")");
        svg.text({left - 7, y + 4}, label(tick), {.anchor = "end"});
    }

    svg.begin_clip({left, top}, width, height);
    for (const Level& level : levels_) {
        std::vector<Point> path;
        for (std::size_t i = 0; i < level.segments.size(); ++i) {
            path.push_back(at(level.segments[i].x, level.segments[i].y));
            if (i % 2 == 1) path.push_back({NAN, NAN});
        }
        svg.path(path, fmt::format(R"(fill="none" stroke="{}" stroke-width="1")",
                                   blend("#1f3f5f", "#c8d4e0", level.position)));
    }
    for (const Series& s : series_) {
        const std::string color = series_color(s.color);
        std::vector<Point> points;
        if (s.kind == Series::Kind::bars) {
            for (std::size_t i = 0; i < s.y.size(); ++i) {
                const Point corner = at(s.x[i], s.y[i]);
                const double base = top + height;
                svg.rectangle(
                    corner, at(s.x[i + 1], 0).x - corner.x, std::max(base - corner.y, 0.0),
                    fmt::format(R"(fill="{0}" fill-opacity="0.55" stroke="{0}" stroke-width="0.5")", color));
            }
            continue;
        }
        for (std::size_t i = 0; i < s.x.size(); ++i) points.push_back(at(s.x[i], s.y[i]));
        if (s.kind == Series::Kind::line)
            svg.path(
                thin_out(points, static_cast<std::size_t>(width)),
                fmt::format(R"(fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{})", color,
                            coordinate(s.style.width), s.style.dashed ? R"( stroke-dasharray="6 4")" : ""));
        if (s.kind == Series::Kind::scatter || s.style.points)
            for (const Point& p : points)
                if (std::isfinite(p.x) && std::isfinite(p.y))
                    svg.circle(p, s.kind == Series::Kind::scatter ? s.radius : 3,
                               fmt::format(R"(fill="{}" stroke="#ffffff" stroke-width="1")", color));
    }
    svg.end_clip();

    svg.rectangle({left, top}, width, height, R"(fill="none" stroke="#444444")");
    if (!options_.x.label.empty())
        svg.text({left + width / 2, options_.height - 12}, options_.x.label, {.size = 13});
    if (!options_.y.label.empty())
        svg.text({16, top + height / 2}, options_.y.label, {.size = 13, .turn = -90});
    for (std::size_t i = 0; i < named.size(); ++i) {
        const Series& s = *named[i];
        const double x = left + width + 12, y = top + 10 + legend_line * static_cast<double>(i);
        const std::string color = series_color(s.color);
        if (s.kind == Series::Kind::line)
            svg.line({x, y}, {x + 22, y},
                     fmt::format(R"(stroke="{}" stroke-width="2.5"{})", color,
                                 s.style.dashed ? R"( stroke-dasharray="6 4")" : ""));
        else if (s.kind == Series::Kind::scatter)
            svg.circle({x + 11, y}, 4.5, fmt::format(R"(fill="{}")", color));
        else
            svg.rectangle({x + 4, y - 6}, 14, 12, fmt::format(R"(fill="{}" fill-opacity="0.55")", color));
        svg.text({x + 28, y + 4}, s.name, {.anchor = "start"});
    }
    return svg;
}

}  // namespace adjoint::picture
