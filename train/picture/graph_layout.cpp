// Drawing a graph in layers: boxes are ordered by where their neighbours stand,
// long arrows get a lane of their own.
#include <algorithm>
#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/train/picture/graph.h>

namespace adjoint::picture {
namespace {

constexpr double row_height = 76, box_height = 54, gap = 44;

// A place in a layer: a box, or the lane of an arrow that passes by.
struct Place {
    std::size_t box = 0;
    bool lane = false;
    double row = 0;
    std::vector<std::size_t> before = {}, after = {};
};

struct Layout {
    std::vector<Place> places;  // the boxes first
    std::vector<std::vector<std::size_t>> layers;
    std::vector<std::vector<std::size_t>> routes;  // of each arrow, from place to place
};

Layout make_places(const Graph& graph) {
    Layout out;
    int last = 0;
    for (const GraphBox& box : graph.boxes) last = std::max(last, box.layer);
    out.layers.resize(static_cast<std::size_t>(last) + 1);
    const auto add = [&](Place place, int layer) {
        out.places.push_back(std::move(place));
        out.layers[static_cast<std::size_t>(layer)].push_back(out.places.size() - 1);
        return out.places.size() - 1;
    };
    for (std::size_t i = 0; i < graph.boxes.size(); ++i) add({.box = i}, graph.boxes[i].layer);
    for (const auto& [from, to, operand] : graph.arrows) {
        std::vector<std::size_t> route{from};
        for (int layer = graph.boxes[from].layer + 1; layer < graph.boxes[to].layer; ++layer)
            route.push_back(add({.box = to, .lane = true}, layer));
        route.push_back(to);
        for (std::size_t i = 1; i < route.size(); ++i) {
            out.places[route[i - 1]].after.push_back(route[i]);
            out.places[route[i]].before.push_back(route[i - 1]);
        }
        out.routes.push_back(std::move(route));
    }
    return out;
}

void order(Layout& layout) {
    const auto spread = [&](std::vector<std::size_t>& layer) {
        for (std::size_t i = 0; i < layer.size(); ++i)
            layout.places[layer[i]].row = static_cast<double>(i) - static_cast<double>(layer.size() - 1) / 2;
    };
    for (auto& layer : layout.layers) spread(layer);
    const auto sort_layer = [&](std::vector<std::size_t>& layer, bool forward) {
        std::vector<std::pair<double, std::size_t>> keyed;
        for (const std::size_t p : layer) {
            const auto& neighbours = forward ? layout.places[p].before : layout.places[p].after;
            double sum = 0;
            for (const std::size_t n : neighbours) sum += layout.places[n].row;
            keyed.emplace_back(
                neighbours.empty() ? layout.places[p].row : sum / static_cast<double>(neighbours.size()), p);
        }
        std::stable_sort(keyed.begin(), keyed.end(),
                         [](const auto& a, const auto& b) { return a.first < b.first; });
        for (std::size_t i = 0; i < layer.size(); ++i) layer[i] = keyed[i].second;
        spread(layer);
    };
    for (int sweep = 0; sweep < 6; ++sweep)
        if (sweep % 2 == 0)
            for (auto layer = layout.layers.rbegin(); layer != layout.layers.rend(); ++layer)
                sort_layer(*layer, false);
        else
            for (auto& layer : layout.layers) sort_layer(layer, true);
}

double box_width(const GraphBox& box) {
    const double lines = std::max(text_width(box.value, 11), text_width(box.gradient, 11) + 26);
    return std::max({70.0, text_width(box.title, 13) + 22, lines + 18});
}

void draw_box(Svg& svg, const GraphBox& box, Point center, double width) {
    const char* style = box.is_leaf ? R"(rx="14" fill="#e8f2e8" stroke="#3c7a3c")"
                                    : R"(rx="4" fill="#e9f0f8" stroke="#2f5f8f")";
    svg.rectangle({center.x - width / 2, center.y - box_height / 2}, width, box_height, style);
    svg.text({center.x, center.y - 11}, box.title, {.size = 13, .bold = true});
    svg.text({center.x, center.y + 5}, box.value, {.size = 11});
    if (!box.gradient.empty())
        svg.text({center.x, center.y + 20}, "grad " + box.gradient, {.size = 11, .color = "#b03a00"});
}

std::string quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

}  // namespace

std::string Graph::dot() const {
    std::string text = "digraph {\n    rankdir=LR;\n    node [shape=box, fontname=\"Helvetica\"];\n";
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const GraphBox& box = boxes[i];
        std::string lines = quoted(box.title);
        if (!box.value.empty()) lines += "\\n" + quoted(box.value);
        if (!box.gradient.empty()) lines += "\\ngrad " + quoted(box.gradient);
        text += fmt::format("    n{} [label=\"{}\"{}];\n", i, lines, box.is_leaf ? ", style=rounded" : "");
    }
    for (const auto& [from, to, operand] : arrows)
        text += fmt::format("    n{} -> n{}{};\n", from, to,
                            operand > 0 ? fmt::format(" [headlabel=\"{}\"]", operand) : "");
    return text + "}\n";
}

Svg Graph::draw() const {
    Layout layout = make_places(*this);
    order(layout);
    std::size_t most = 1;
    std::vector<double> centers, widths;
    double x = 14;
    for (const auto& layer : layout.layers) {
        most = std::max(most, layer.size());
        double width = 20;
        for (const std::size_t p : layer)
            if (!layout.places[p].lane) width = std::max(width, box_width(boxes[layout.places[p].box]));
        centers.push_back(x + width / 2);
        widths.push_back(width);
        x += width + gap;
    }
    const double height = row_height * static_cast<double>(most) + 16;
    Svg svg(x - gap + 14, height);
    std::vector<std::size_t> layer_of(layout.places.size());
    for (std::size_t l = 0; l < layout.layers.size(); ++l)
        for (const std::size_t p : layout.layers[l]) layer_of[p] = l;
    const auto center = [&](std::size_t p) {
        return Point{centers[layer_of[p]], height / 2 + row_height * layout.places[p].row};
    };
    const auto half = [&](std::size_t p) {
        return layout.places[p].lane ? widths[layer_of[p]] / 2 : box_width(boxes[layout.places[p].box]) / 2;
    };
    for (std::size_t arrow = 0; arrow < layout.routes.size(); ++arrow) {
        const auto& route = layout.routes[arrow];
        std::vector<Point> path;
        for (std::size_t i = 0; i < route.size(); ++i) {
            const Point c = center(route[i]);
            if (i > 0) path.push_back({c.x - half(route[i]), c.y});
            if (i + 1 < route.size()) path.push_back({c.x + half(route[i]), c.y});
        }
        svg.path(path, R"(fill="none" stroke="#555555" stroke-width="1.3" stroke-linejoin="round")");
        const Point tip = path.back(), from = path[path.size() - 2];
        const double length = std::max(std::hypot(tip.x - from.x, tip.y - from.y), 1e-9);
        const double dx = (tip.x - from.x) / length, dy = (tip.y - from.y) / length;
        const std::vector<Point> head{{tip.x - 8 * dx + 4 * dy, tip.y - 8 * dy - 4 * dx},
                                      tip,
                                      {tip.x - 8 * dx - 4 * dy, tip.y - 8 * dy + 4 * dx}};
        svg.path(head, R"(fill="#555555")");
        if (const int operand = arrows[arrow].operand; operand > 0)
            svg.text({tip.x - 16 * dx, tip.y - 16 * dy - 5}, std::to_string(operand),
                     {.size = 11, .color = "#555555"});
    }
    for (std::size_t i = 0; i < boxes.size(); ++i) draw_box(svg, boxes[i], center(i), box_width(boxes[i]));
    return svg;
}

}  // namespace adjoint::picture
