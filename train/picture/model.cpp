// A model as nested boxes, read from its print-out, which is what every module can say of itself.
#include <adjoint/train/picture/model.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <adjoint/autograd/record/node.h>
#include <adjoint/core/base/format.h>

namespace adjoint::picture {
namespace {

constexpr double part_height = 40, arrow = 20, padding = 14, title_height = 24;

struct Part {
    std::string path;  // "features.0"
    std::string text;  // "Linear(784, 128)"
    std::string shapes;
    std::vector<Part> parts;
    std::vector<bool> flows = {};  // whether what part i gives goes to part i + 1
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
        part.flows.assign(part.parts.size(), part.text == "Sequential");
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

bool is_part_of(const std::string& path, const std::string& whole) {
    return path.starts_with(whole) && (path.size() == whole.size() || path[whole.size()] == '.');
}

// What ran, told from the graph: between which calls of layers that call no others something flows directly.
class Flow {
  public:
    Flow(const std::vector<nn::LayerCall>& calls, const std::string& root) {
        for (std::size_t i = 0; i < calls.size(); ++i) {
            const bool inner = i + 1 == calls.size() || calls[i + 1].depth <= calls[i].depth;
            const std::string& path = calls[i].path;
            if (root.empty())
                paths_.push_back(path);
            else
                paths_.push_back(is_part_of(path, root) ? path.substr(std::min(root.size() + 1, path.size()))
                                                        : path);
            shapes_.push_back(calls[i].output_shape);
            if (!inner) continue;
            find_sources(i, calls[i].input);
            if (calls[i].output.impl().producer) givers_[calls[i].output.impl().producer.get()] = i;
        }
    }

    // The number of the first call of a part; as many as there are if it was not called.
    std::size_t first(const std::string& part) const {
        const auto is_inside = [&](const std::string& path) { return is_part_of(path, part); };
        return static_cast<std::size_t>(std::find_if(paths_.begin(), paths_.end(), is_inside) -
                                        paths_.begin());
    }
    std::string output_of(const std::string& part) const {
        const auto found = std::find(paths_.begin(), paths_.end(), part);
        return found == paths_.end() ? ""
                                     : to_string(shapes_[static_cast<std::size_t>(found - paths_.begin())]);
    }
    bool leads(const std::string& from, const std::string& to) const {
        return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
            return is_part_of(paths_[link.first], from) && is_part_of(paths_[link.second], to);
        });
    }

  private:
    // The calls whose results reach a tensor without passing another call.
    void find_sources(std::size_t call, const Tensor& input) {
        std::vector<Ref<Producer>> waiting{input.impl().producer};
        std::set<const Producer*> seen;
        while (!waiting.empty()) {
            const Ref<Producer> producer = waiting.back();
            waiting.pop_back();
            if (!producer || !seen.insert(producer.get()).second) continue;
            if (const auto giver = givers_.find(producer.get()); giver != givers_.end()) {
                links_.emplace_back(giver->second, call);
                continue;
            }
            for (const Edge& edge : node_of(producer)->edges()) waiting.push_back(edge.node);
        }
    }

    std::vector<std::string> paths_;  // of the calls
    std::vector<Shape> shapes_;
    std::map<const Producer*, std::size_t> givers_;  // the last call that gave a result
    std::vector<std::pair<std::size_t, std::size_t>> links_;
};

// Puts the parts in the order of their first calls, with what they gave and where it went.
void order(Part& part, const Flow& flow) {
    if (const std::string output = flow.output_of(part.path); !output.empty())
        part.shapes += (part.shapes.empty() ? "gives " : ", gives ") + output;
    std::stable_sort(part.parts.begin(), part.parts.end(),
                     [&](const Part& a, const Part& b) { return flow.first(a.path) < flow.first(b.path); });
    for (std::size_t i = 0; i + 1 < part.parts.size(); ++i)
        part.flows[i] = flow.leads(part.parts[i].path, part.parts[i + 1].path);
    for (Part& inner : part.parts) order(inner, flow);
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
        if (!part.flows[i]) {
            y += arrow;
            continue;
        }
        svg.line({middle, y}, {middle, y + arrow - 7}, R"(stroke="#555555" stroke-width="1.3")");
        const std::vector<Point> head{
            {middle - 4, y + arrow - 8}, {middle, y + arrow}, {middle + 4, y + arrow - 8}};
        svg.path(head, R"(fill="#555555")");
        y += arrow;
    }
}

}  // namespace

Svg draw_model(const std::string& printed, const nn::NamedTensors& parameters,
               const std::vector<nn::LayerCall>& calls, const std::string& path) {
    std::vector<Line> lines;
    std::istringstream text(printed);
    for (std::string line; std::getline(text, line);) lines.push_back(parse(line));
    check<ValueError>(!lines.empty(), "draw_model: an empty print-out");
    std::size_t at = 0;
    Part model = read_part(lines, at, "");
    add_shapes(model, parameters);
    if (!calls.empty()) order(model, Flow(calls, path));
    const double width = width_of(model);
    Svg svg(width + 20, height_of(model) + 20);
    draw(svg, model, {10, 10}, width);
    return svg;
}

}  // namespace adjoint::picture
