// A model as nested boxes, read from its print-out, which is what every module can say of itself.
#include <adjoint/train/picture/model.h>

#include <algorithm>
#include <sstream>

#include <adjoint/core/base/format.h>

namespace adjoint::picture {
namespace {

constexpr double part_height = 40, arrow = 20, padding = 14, title_height = 24;

struct Part {
    std::string path;  // "features.0"
    std::string text;  // "Linear(784, 128)"
    std::string shapes;
    std::vector<Part> parts;
};

// "  (0): Linear(784, 128)" -> indent 2, name 0, the rest.
struct Line {
    std::size_t indent = 0;
    std::string name = {}, text = {};
};

Line parse(const std::string& raw) {
    Line line{.indent = std::min(raw.find_first_not_of(' '), raw.size())};
    line.text = raw.substr(line.indent);
    const std::size_t colon = line.text.find("): ");
    if (line.text.starts_with("(") && colon != std::string::npos) {
        line.name = line.text.substr(1, colon - 1);
        line.text = line.text.substr(colon + 3);
    }
    return line;
}

Part read_part(const std::vector<Line>& lines, std::size_t& at, const std::string& path) {
    const Line& head = lines[at++];
    Part part{path, head.text, "", {}};
    while (at < lines.size() && lines[at].indent > head.indent)
        part.parts.push_back(
            read_part(lines, at, path.empty() ? lines[at].name : path + "." + lines[at].name));
    if (!part.parts.empty()) {
        if (part.text.ends_with("(")) part.text.pop_back();
        ++at;  // the closing bracket
    }
    return part;
}

void add_shapes(Part& part, const nn::NamedTensors& parameters) {
    for (const auto& [name, tensor] : parameters) {
        const std::size_t dot = name.rfind('.');
        if (dot == std::string::npos ? !part.path.empty() : name.substr(0, dot) != part.path) continue;
        part.shapes += (part.shapes.empty() ? "" : ", ") +
                       name.substr(dot == std::string::npos ? 0 : dot + 1) + " " + to_string(tensor.shape());
    }
    for (Part& inner : part.parts) add_shapes(inner, parameters);
}

double width_of(const Part& part) {
    double width = std::max(text_width(part.text, 13) * 1.06, text_width(part.shapes, 11)) + 30;
    for (const Part& inner : part.parts) width = std::max(width, width_of(inner) + 2 * padding);
    return width;
}

double height_of(const Part& part) {
    if (part.parts.empty()) return part_height;
    double height = title_height + padding - arrow;
    for (const Part& inner : part.parts) height += height_of(inner) + arrow;
    return height + (part.shapes.empty() ? 0 : 16);
}

void draw(Svg& svg, const Part& part, Point corner, double width) {
    const double middle = corner.x + width / 2, height = height_of(part);
    if (part.parts.empty()) {
        svg.rectangle(corner, width, height, R"(rx="4" fill="#e9f0f8" stroke="#2f5f8f")");
        svg.text({middle, corner.y + (part.shapes.empty() ? 25 : 17)}, part.text, {.size = 13, .bold = true});
        if (!part.shapes.empty())
            svg.text({middle, corner.y + 33}, part.shapes, {.size = 11, .color = "#555555"});
        return;
    }
    svg.rectangle(corner, width, height, R"(rx="6" fill="#000000" fill-opacity="0.025" stroke="#999999")");
    svg.text({corner.x + 10, corner.y + 17}, part.text, {.size = 13, .anchor = "start", .bold = true});
    double y = corner.y + title_height;
    if (!part.shapes.empty()) {
        svg.text({corner.x + 10, y + 9}, part.shapes, {.size = 11, .anchor = "start", .color = "#555555"});
        y += 16;
    }
    for (std::size_t i = 0; i < part.parts.size(); ++i) {
        const double inner = height_of(part.parts[i]);
        draw(svg, part.parts[i], {corner.x + padding, y}, width - 2 * padding);
        y += inner;
        if (i + 1 == part.parts.size()) break;
        svg.line({middle, y}, {middle, y + arrow - 7}, R"(stroke="#555555" stroke-width="1.3")");
        const std::vector<Point> head{
            {middle - 4, y + arrow - 8}, {middle, y + arrow}, {middle + 4, y + arrow - 8}};
        svg.path(head, R"(fill="#555555")");
        y += arrow;
    }
}

}  // namespace

Svg draw_model(const std::string& printed, const nn::NamedTensors& parameters) {
    std::vector<Line> lines;
    std::istringstream text(printed);
    for (std::string line; std::getline(text, line);) lines.push_back(parse(line));
    check<ValueError>(!lines.empty(), "draw_model: an empty print-out");
    std::size_t at = 0;
    Part model = read_part(lines, at, "");
    add_shapes(model, parameters);
    const double width = width_of(model);
    Svg svg(width + 20, height_of(model) + 20);
    draw(svg, model, {10, 10}, width);
    return svg;
}

}  // namespace adjoint::picture
