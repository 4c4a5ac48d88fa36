// Cells of colour, images as PNG, and text beside them.
#include <adjoint/train/picture/sheet.h>

#include <algorithm>
#include <cmath>

#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/format.h>
#include <adjoint/train/picture/chart.h>
#include <adjoint/train/picture/png.h>

namespace adjoint::picture {
namespace {

std::string name_of(const std::vector<std::string>& names, std::size_t i) {
    return i < names.size() ? names[i] : std::to_string(i);
}

double widest(const std::vector<std::string>& names) {
    double width = 16;
    for (const std::string& name : names) width = std::max(width, text_width(name));
    return width;
}

}  // namespace

Svg heat_map(const Tensor& table, const HeatMapOptions& options) {
    check<ShapeError>(table.dim() == 2 && table.numel() > 0, "heat_map: expected (rows, columns) got {}",
                      table.shape());
    const auto rows = static_cast<std::size_t>(table.size(0)),
               columns = static_cast<std::size_t>(table.size(1));
    const std::vector<double> values = table.to_vector<double>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    double widest_number = 0;
    for (const double v : values) widest_number = std::max(widest_number, text_width(label(v)));
    const double cell = std::max({34.0, widest_number + 10, widest(options.column_names) + 8});
    const double height = 34;
    const double left = widest(options.row_names) + (options.rows.empty() ? 18 : 40);
    const double top = options.title.empty() ? 14 : 40;
    const double w = cell * static_cast<double>(columns), h = height * static_cast<double>(rows);
    const double title = text_width(options.title, 15) + 20;
    Svg svg(std::max(left + w + 16, title), top + h + (options.columns.empty() ? 30 : 50));
    if (!options.title.empty()) svg.text({svg.width() / 2, 24}, options.title, {.size = 15, .bold = true});
    for (std::size_t r = 0; r < rows; ++r) {
        const double y = top + height * static_cast<double>(r);
        svg.text({left - 8, y + height / 2 + 4}, name_of(options.row_names, r), {.anchor = "end"});
        for (std::size_t c = 0; c < columns; ++c) {
            const double v = values[r * columns + c], x = left + cell * static_cast<double>(c);
            const double share = *high > *low ? (v - *low) / (*high - *low) : 0;
            svg.rectangle({x, y}, cell, height,
                          fmt::format(R"(fill="{}" stroke="#ffffff")", blend("#eef3f8", "#08519c", share)));
            svg.text({x + cell / 2, y + height / 2 + 4}, label(v),
                     {.color = share > 0.5 ? "#ffffff" : "#222222"});
        }
    }
    for (std::size_t c = 0; c < columns; ++c)
        svg.text({left + cell * (static_cast<double>(c) + 0.5), top + h + 17},
                 name_of(options.column_names, c));
    if (!options.columns.empty()) svg.text({left + w / 2, top + h + 38}, options.columns, {.size = 13});
    if (!options.rows.empty()) svg.text({16, top + h / 2}, options.rows, {.size = 13, .turn = -90});
    return svg;
}

Svg image_sheet(const Tensor& images, const SheetOptions& options) {
    check<ShapeError>((images.dim() == 3 || (images.dim() == 4 && images.size(3) == 3)) && images.numel() > 0,
                      "image_sheet: expected (N, H, W) or (N, H, W, 3) got {}", images.shape());
    check<ValueError>(options.columns > 0, "image_sheet: {} columns", options.columns);
    const std::int64_t count = images.size(0), columns = std::min<std::int64_t>(options.columns, count);
    const auto matches = [&](std::size_t n) { return n == 0 || n == static_cast<std::size_t>(count); };
    check<ValueError>(matches(options.captions.size()) && matches(options.marked.size()),
                      "image_sheet: {} images, {} captions, {} marks", count, options.captions.size(),
                      options.marked.size());
    const double image_height =
        options.size * static_cast<double>(images.size(1)) / static_cast<double>(images.size(2));
    const double cell_width =
        std::max(options.size, options.captions.empty() ? 0 : widest(options.captions)) + 10;
    const double cell_height = image_height + (options.captions.empty() ? 10 : 26);
    const double top = options.title.empty() ? 10 : 40;
    const std::int64_t rows = (count + columns - 1) / columns;
    check<ValueError>(options.row_names.empty() || options.row_names.size() == static_cast<std::size_t>(rows),
                      "image_sheet: {} rows, {} names", rows, options.row_names.size());
    const double left = options.row_names.empty() ? 10 : widest(options.row_names) + 20;
    Svg svg(std::max(left + cell_width * static_cast<double>(columns), text_width(options.title, 15) + 20),
            top + cell_height * static_cast<double>(rows) + 4);
    if (!options.title.empty()) svg.text({svg.width() / 2, 24}, options.title, {.size = 15, .bold = true});
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t row = i / columns, column = i % columns;
        const double x = left + cell_width * static_cast<double>(column);
        const double y = top + cell_height * static_cast<double>(row);
        svg.image({x + (cell_width - 10 - options.size) / 2, y}, options.size, image_height,
                  png(select(images, 0, i)));
        const auto k = static_cast<std::size_t>(i);
        if (column == 0 && !options.row_names.empty())
            svg.text({left - 10, y + image_height / 2 + 4}, options.row_names[static_cast<std::size_t>(row)],
                     {.anchor = "end"});
        if (options.captions.empty()) continue;
        const bool marked = !options.marked.empty() && options.marked[k];
        svg.text({x + (cell_width - 10) / 2, y + image_height + 14}, options.captions[k],
                 {.color = marked ? "#c00000" : "#222222", .bold = marked});
    }
    return svg;
}

Svg animation(const std::vector<Svg>& frames, double seconds) {
    check<ValueError>(!frames.empty() && seconds > 0, "animation: {} pictures of {} seconds", frames.size(),
                      seconds);
    double width = 0, height = 0;
    for (const Svg& frame : frames) {
        width = std::max(width, frame.width());
        height = std::max(height, frame.height());
    }
    Svg svg(width, height);
    // One frame is seen from the beginning of its turn to the next one's; the last waits as long again twice.
    const std::size_t turns = frames.size() + 2;
    const double all = seconds * static_cast<double>(turns);
    const std::string name = fmt::format("frames{}", frames.size()), last = name + "last";
    const auto rule = [&](const std::string& of, double share) {
        return fmt::format(
            "@keyframes {0} {{0%{{visibility:visible}}{1:.4f}%{{visibility:hidden}}}}"
            ".{0}{{animation:{0} {2:.4f}s step-end infinite both}}",
            of, share, all);
    };
    const double share = 100.0 / static_cast<double>(turns);
    svg.element("<style>" + rule(name, share) + rule(last, 3 * share) +
                fmt::format("@media (prefers-reduced-motion: reduce){{.{},.{}{{animation:none}}}}</style>\n",
                            name, last));
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const bool is_last = i + 1 == frames.size();
        svg.element(fmt::format("<g class=\"{}\" visibility=\"{}\" style=\"animation-delay:{:.4f}s\">\n",
                                is_last ? last : name, is_last ? "visible" : "hidden",
                                seconds * static_cast<double>(i) - all));
        svg.rectangle({0, 0}, width, height, R"(fill="#ffffff")");
        svg.place({0, 0}, frames[i]);
        svg.element("</g>\n");
    }
    return svg;
}

Svg grid(const std::vector<Svg>& pictures, int columns) {
    check<ValueError>(!pictures.empty() && columns > 0, "grid: {} pictures in {} columns", pictures.size(),
                      columns);
    double width = 0, height = 0;
    for (const Svg& picture : pictures) {
        width = std::max(width, picture.width());
        height = std::max(height, picture.height());
    }
    const std::size_t across = std::min(static_cast<std::size_t>(columns), pictures.size());
    const std::size_t down = (pictures.size() + across - 1) / across;
    Svg svg(width * static_cast<double>(across), height * static_cast<double>(down));
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        const std::size_t row = i / across, column = i % across;
        svg.place({width * static_cast<double>(column), height * static_cast<double>(row)}, pictures[i]);
    }
    return svg;
}

}  // namespace adjoint::picture
