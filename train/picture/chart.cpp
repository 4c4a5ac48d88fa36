// What a chart holds: its series and the ranges that they need.
#include <adjoint/train/picture/chart.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <adjoint/core/base/format.h>

namespace adjoint::picture {
Chart::Chart(ChartOptions options) : options_(std::move(options)) {}

Chart& Chart::add(Series series) {
    check<ShapeError>(series.x.size() == series.y.size() || series.kind == Series::Kind::bars,
                      "chart: series '{}' has {} x and {} y", series.name, series.x.size(), series.y.size());
    series.color = static_cast<std::size_t>(
        std::count_if(series_.begin(), series_.end(), [](const Series& other) { return !other.style.pale; }));
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
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = style.first + static_cast<double>(i);
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
    return Scale(bars && !horizontal && !axis.log ? 0 : tight.value(-margin), tight.value(1 + margin),
                 axis.log);
}

}  // namespace adjoint::picture
