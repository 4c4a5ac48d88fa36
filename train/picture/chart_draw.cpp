// Layout of a chart: the plane with its axes, the layers in it, the legend beside it.
#include <algorithm>
#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/train/picture/chart.h>

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

// What a curve ends in that is no number, "" if it ends in one.
const char* ending(const Values& y) {
    if (y.empty() || std::isfinite(y.back())) return "";
    return std::isnan(y.back()) ? "NaN" : y.back() > 0 ? "inf" : "-inf";
}

bool is_finite(const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

// A dot that goes from point to point, again and again.
std::string running_dot(const std::vector<Point>& points, double seconds, const std::string& color) {
    std::string x, y;
    for (const Point& p : points) {
        if (!is_finite(p)) continue;
        x += (x.empty() ? "" : ";") + coordinate(p.x);
        y += (y.empty() ? "" : ";") + coordinate(p.y);
    }
    return fmt::format(
        R"(<circle r="5" fill="{0}" stroke="#ffffff" stroke-width="1.5"><animate attributeName="cx" dur="{1}s" )"
        R"(repeatCount="indefinite" values="{2}"/><animate attributeName="cy" dur="{1}s" )"
        R"(repeatCount="indefinite" values="{3}"/></circle>)"
        "\n",
        color, coordinate(seconds), x, y);
}

// Over the plane, or as near to that as the picture's edges allow; smaller if it is longer than the picture.
void draw_title(Svg& svg, const std::string& title, double center) {
    if (title.empty()) return;
    const double room = svg.width() - 16, size = std::min(15.0, 15 * room / text_width(title, 15));
    const double half = text_width(title, size) / 2;
    svg.text({std::clamp(center, 8 + half, std::max(8 + half, svg.width() - 8 - half)), 24}, title,
             {.size = size, .bold = true});
}

// Of the rounds of eight colours each has a pattern of its own.
std::string dashes(std::size_t color, bool dashed) {
    if (dashed) return R"( stroke-dasharray="6 4")";
    return color < 8            ? ""
           : color / 8 % 2 == 1 ? R"( stroke-dasharray="9 3 2 3")"
                                : R"( stroke-dasharray="2 3")";
}

}  // namespace

struct Chart::Frame {
    Scale sx, sy;
    double left, top, width, height;
    bool outlines;  // of histograms, where there are several
    Point at(double x, double y) const {
        return {left + width * sx.position(x), top + height * (1 - sy.position(y))};
    }
};

std::string Chart::Series::ink() const { return style.pale ? "#a9b3bd" : series_color(color); }

// With what it ends in, if that is no number.
std::string Chart::Series::in_legend() const {
    const std::string end = kind == Kind::line ? ending(y) : "";
    return name + (end.empty() ? "" : " (" + end + ")");
}

void Chart::draw_lines(Svg& svg, const Frame& frame, const Series& s) const {
    const std::string color = s.ink();
    std::vector<Point> points;
    for (std::size_t i = 0; i < s.x.size(); ++i) points.push_back(frame.at(s.x[i], s.y[i]));
    const bool line = s.kind == Series::Kind::line;
    if (line)
        svg.path(thin_out(points, static_cast<std::size_t>(frame.width)),
                 fmt::format(R"(fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{})", color,
                             coordinate(s.style.width), dashes(s.style.pale ? 0 : s.color, s.style.dashed)));
    if (!line || s.style.points)
        for (const Point& p : points)
            if (is_finite(p))
                svg.circle(p, line ? 3 : s.radius,
                           fmt::format(R"(fill="{}" stroke="#ffffff" stroke-width="1")", color));
    if (s.style.seconds > 0) svg.element(running_dot(points, s.style.seconds, color));
    if (const std::string end = ending(s.y); line && !end.empty()) {
        const auto last = std::find_if(points.rbegin(), points.rend(), is_finite);
        if (last == points.rend()) return;
        const std::string style = fmt::format(R"(stroke="{}" stroke-width="2")", color);
        svg.line({last->x - 5, last->y - 5}, {last->x + 5, last->y + 5}, style);
        svg.line({last->x - 5, last->y + 5}, {last->x + 5, last->y - 5}, style);
        const bool at_edge = last->x + 10 + text_width(end) > frame.left + frame.width;
        svg.text({last->x + (at_edge ? -8 : 8), last->y + 4}, end,
                 {.anchor = at_edge ? "end" : "start", .color = color, .bold = true});
    }
}

void Chart::draw_bars(Svg& svg, const Frame& frame, const Series& s) const {
    const std::string color = series_color(s.color);
    const double base = frame.top + frame.height;
    if (!frame.outlines) {
        for (std::size_t i = 0; i < s.y.size(); ++i) {
            const Point corner = frame.at(s.x[i], s.y[i]);
            svg.rectangle(
                corner, frame.at(s.x[i + 1], 0).x - corner.x, std::max(base - corner.y, 0.0),
                fmt::format(R"(fill="{0}" fill-opacity="0.55" stroke="{0}" stroke-width="0.5")", color));
        }
        return;
    }
    std::vector<Point> steps{{frame.at(s.x.front(), 0).x, base}};
    for (std::size_t i = 0; i < s.y.size(); ++i) {
        const double height = frame.at(s.x[i], s.y[i]).y, y = height < base ? height : base;
        steps.push_back({frame.at(s.x[i], 0).x, y});
        steps.push_back({frame.at(s.x[i + 1], 0).x, y});
    }
    steps.push_back({steps.back().x, base});
    svg.path(steps, fmt::format(R"(fill="{0}" fill-opacity="0.1" stroke="{0}" stroke-width="1.6"{1})", color,
                                dashes(s.color, false)));
}

// Where each name stands, from the corner of the legend: one under the other, or in rows of so much room.
std::vector<Point> Chart::legend_places(const std::vector<const Series*>& named, double room) const {
    std::vector<Point> places;
    Point next{0, options_.legend.empty() ? 0 : legend_line};
    for (const Series* const s : named) {
        const double width = text_width(s->in_legend()) + 42;
        if (next.x > 0 && (!options_.legend_below || next.x + width > room)) next = {0, next.y + legend_line};
        places.push_back(next);
        next.x += width;
    }
    return places;
}

void Chart::draw_legend(Svg& svg, const Frame& frame, Point corner,
                        const std::vector<const Series*>& named) const {
    if (!options_.legend.empty() && !named.empty())
        svg.text({corner.x, corner.y + 4}, options_.legend, {.anchor = "start", .bold = true});
    const std::vector<Point> places = legend_places(named, options_.width - corner.x - 8);
    for (std::size_t i = 0; i < named.size(); ++i) {
        const Series* const s = named[i];
        const std::string color = s->ink();
        const double x = corner.x + places[i].x, y = corner.y + places[i].y;
        if (s->kind == Series::Kind::line)
            svg.line({x, y}, {x + 22, y},
                     fmt::format(R"(stroke="{}" stroke-width="2.5"{})", color,
                                 dashes(s->style.pale ? 0 : s->color, s->style.dashed)));
        else if (s->kind == Series::Kind::scatter)
            svg.circle({x + 11, y}, 4.5, fmt::format(R"(fill="{}")", color));
        else
            svg.rectangle({x + 4, y - 6}, 14, 12,
                          fmt::format(R"(fill="{0}" stroke="{0}" fill-opacity="{1}")", color,
                                      frame.outlines ? "0.1" : "0.55"));
        svg.text({x + 28, y + 4}, s->in_legend(), {.anchor = "start"});
    }
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
    const std::vector<std::string> y_labels = tick_labels(y_ticks);
    std::vector<std::string> x_labels = tick_labels(x_ticks);
    double tick_width = 0, legend_width = options_.legend.empty() ? 0 : text_width(options_.legend) + 34;
    for (const std::string& text : y_labels) tick_width = std::max(tick_width, text_width(text));
    std::vector<const Series*> named;
    for (const Series& s : series_)
        if (!s.name.empty() &&
            std::none_of(named.begin(), named.end(), [&](auto* o) { return o->name == s.name; })) {
            named.push_back(&s);
            legend_width = std::max(legend_width, text_width(s.in_legend()) + 54);
        }
    const double left = tick_width + (options_.y.label.empty() ? 18 : 40);
    const double top = options_.title.empty() ? 18 : 40;
    const bool below = options_.legend_below && !named.empty();
    const double right = named.empty() || below ? 22 : std::max(legend_width, 22.0);
    const double legend_height =
        below ? legend_places(named, options_.width - left - 8).back().y + legend_line : 0;
    const double bottom = (options_.x.label.empty() ? 30 : 50) + legend_height;
    const auto outlines =
        std::count_if(series_.begin(), series_.end(), [](auto& s) { return s.kind == Series::Kind::bars; });
    const Frame frame{
        sx, sy, left, top, options_.width - left - right, options_.height - top - bottom, outlines > 1};
    const double width = frame.width, height = frame.height;
    check<ValueError>(width > 40 && height > 40, "chart: no room in {} x {}", options_.width,
                      options_.height);

    const auto touch = [&](std::size_t i) {
        const double apart = frame.at(x_ticks[i], sy.low()).x - frame.at(x_ticks[i - 1], sy.low()).x;
        return (text_width(x_labels[i]) + text_width(x_labels[i - 1])) / 2 + 4 > apart;
    };
    const auto any_touch = [&] {
        for (std::size_t i = 1; i < x_ticks.size(); ++i)
            if (touch(i)) return true;
        return false;
    };
    while (x_ticks.size() > 2 && any_touch()) {  // every second one is left out
        std::size_t kept = 0;
        for (std::size_t i = 0; i < x_ticks.size(); i += 2) x_ticks[kept++] = x_ticks[i];
        x_ticks.resize(kept);
        x_labels = tick_labels(x_ticks);
    }

    Svg svg(options_.width, options_.height);
    draw_title(svg, options_.title, left + width / 2);
    if (!background_.empty()) svg.image({left, top}, width, height, background_);
    for (std::size_t i = 0; i < x_ticks.size(); ++i) {
        const double x = frame.at(x_ticks[i], sy.low()).x;
        svg.line({x, top}, {x, top + height}, R"(stroke="#000000" stroke-opacity="0.1")");
        svg.text({x, top + height + 17}, x_labels[i]);
    }
    for (std::size_t i = 0; i < y_ticks.size(); ++i) {
        const double y = frame.at(sx.low(), y_ticks[i]).y;
        svg.line({left, y}, {left + width, y}, R"(stroke="#000000" stroke-opacity="0.1")");
        svg.text({left - 7, y + 4}, y_labels[i], {.anchor = "end"});
    }

    svg.begin_clip({left, top}, width, height);
    for (const Level& level : levels_) {
        std::vector<Point> path;
        for (const Point& p : level.lines) path.push_back(frame.at(p.x, p.y));
        svg.path(path, fmt::format(R"(fill="none" stroke="{}" stroke-width="1" stroke-linejoin="round")",
                                   blend("#1f3f5f", "#c8d4e0", level.position)));
    }
    for (const Series& s : series_)
        if (s.kind == Series::Kind::bars)
            draw_bars(svg, frame, s);
        else
            draw_lines(svg, frame, s);
    svg.end_clip();

    svg.rectangle({left, top}, width, height, R"(fill="none" stroke="#444444")");
    if (!options_.x.label.empty())
        svg.text({left + width / 2, options_.height - 12 - legend_height}, options_.x.label, {.size = 13});
    if (!options_.y.label.empty())
        svg.text({16, top + height / 2}, options_.y.label, {.size = 13, .turn = -90});
    draw_legend(svg, frame,
                below ? Point{left, options_.height - legend_height + 4} : Point{left + width + 12, top + 10},
                named);
    return svg;
}

}  // namespace adjoint::picture
