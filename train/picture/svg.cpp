// SVG elements as text.
#include <adjoint/train/picture/svg.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <adjoint/core/base/format.h>
#include <adjoint/data/file.h>
#include <adjoint/train/picture/png.h>

namespace adjoint::picture {

std::array<std::uint8_t, 3> color_channels(std::string_view color) {
    std::array<std::uint8_t, 3> parts{};
    bool sound = color.size() == 7 && color[0] == '#';
    for (std::size_t i = 0; sound && i < 3; ++i) {
        const char* const first = color.data() + 1 + 2 * i;
        const auto [end, error] = std::from_chars(first, first + 2, parts[i], 16);
        sound = error == std::errc() && end == first + 2;
    }
    check<ValueError>(sound, "picture: the colour '{}', expected one like #0072b2", color);
    return parts;
}

std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                // XML has no spelling for other control characters.
                out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? ' ' : c;
        }
    }
    return out;
}

std::string coordinate(double value) {
    std::string text = fmt::format("{:.2f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string label(double value) {
    const double size = std::abs(value);
    if (value == 0) return "0";
    if (size >= 1e-3 && size < 1e6)
        return fmt::format("{:.4g}", value).find('e') == std::string::npos ? fmt::format("{:.4g}", value)
                                                                           : fmt::format("{:.0f}", value);
    std::string text = fmt::format("{:.3g}", value);
    const std::size_t e = text.find('e');
    if (e == std::string::npos) return text;
    const int exponent = std::stoi(text.substr(e + 1));
    return fmt::format("{}e{}", text.substr(0, e), exponent);
}

double text_width(std::string_view text, double size) {
    double ems = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = [&](std::size_t at) {
            return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
        };
        if ((byte(i) & 0xC0) == 0x80) continue;  // the rest of a character
        // Hangul, Chinese, kana and full-width forms have three bytes; single letters of Hangul begin with
        // 0xE1 84. What has four bytes is drawn as wide.
        const bool wide = byte(i) >= 0xF0 || (byte(i) >= 0xE3 && byte(i) <= 0xED) || byte(i) == 0xEF ||
                          (byte(i) == 0xE1 && byte(i + 1) >= 0x84 && byte(i + 1) <= 0x87);
        ems += wide ? 1 : 0.62;
    }
    return ems * size;
}

std::string series_color(std::size_t index) {
    static constexpr std::array colors{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                       "#e69f00", "#56b4e9", "#555555", "#8c564b"};
    const std::string color = colors[index % colors.size()];
    // The same ones darker, then lighter.
    const std::size_t round = index / colors.size() % 3;
    return round == 0 ? color : blend(color, round == 1 ? "#000000" : "#ffffff", 0.45);
}

std::string map_color(double value) {
    static constexpr std::array<std::string_view, 6> stops{"#31135e", "#3b4f9c", "#2a8596",
                                                           "#42b070", "#a9d13f", "#fbe64b"};
    const double position = std::clamp(std::isnan(value) ? 0.0 : value, 0.0, 1.0) * (stops.size() - 1);
    const auto below = std::min(static_cast<std::size_t>(position), stops.size() - 2);
    return blend(stops[below], stops[below + 1], position - static_cast<double>(below));
}

std::string blend(std::string_view first, std::string_view second, double amount) {
    const auto a = color_channels(first), b = color_channels(second);
    std::string color = "#";
    for (std::size_t i = 0; i < 3; ++i)
        color += fmt::format("{:02x}", static_cast<int>(std::lround(a[i] + (b[i] - a[i]) * amount)));
    return color;
}

void save_text(const std::string& path, std::string_view text) {
    data::atomic_write(path, [&](data::Writer& out) { out.write(text); });
}

void Svg::line(Point from, Point to, std::string_view style) {
    body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", coordinate(from.x),
                         coordinate(from.y), coordinate(to.x), coordinate(to.y), style);
}

void Svg::rectangle(Point corner, double width, double height, std::string_view style) {
    body_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>\n", coordinate(corner.x),
                         coordinate(corner.y), coordinate(width), coordinate(height), style);
}

void Svg::circle(Point center, double radius, std::string_view style) {
    body_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {}/>\n", coordinate(center.x),
                         coordinate(center.y), coordinate(radius), style);
}

void Svg::path(std::span<const Point> points, std::string_view style) {
    std::string steps;
    bool pen_down = false;
    for (const Point& p : points) {
        if (!std::isfinite(p.x) || !std::isfinite(p.y)) {
            pen_down = false;
            continue;
        }
        steps += fmt::format("{}{} {}", pen_down ? " L" : " M", coordinate(p.x), coordinate(p.y));
        pen_down = true;
    }
    if (!steps.empty()) body_ += fmt::format("<path d=\"{}\" {}/>\n", steps.substr(1), style);
}

void Svg::text(Point at, std::string_view text, const TextStyle& style) {
    const std::string turn = style.turn == 0
                                 ? ""
                                 : fmt::format(" transform=\"rotate({} {} {})\"", coordinate(style.turn),
                                               coordinate(at.x), coordinate(at.y));
    body_ +=
        fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{}\"{}{}>{}</text>\n",
                    coordinate(at.x), coordinate(at.y), coordinate(style.size), style.anchor, style.color,
                    style.bold ? " font-weight=\"bold\"" : "", turn, escape(text));
}

void Svg::image(Point corner, double width, double height, std::span<const std::byte> png) {
    body_ += fmt::format(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" "
        "style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{}\"/>\n",
        coordinate(corner.x), coordinate(corner.y), coordinate(width), coordinate(height), base64(png));
}

void Svg::begin_clip(Point corner, double width, double height) {
    // The name holds the place, so that pictures put together do not clip one another. Of two of one name the
    // first clips both, also where it is hidden itself.
    const std::string name =
        fmt::format("clip{}-{:.0f}-{:.0f}-{:.0f}-{:.0f}", clips_++, corner.x, corner.y, width, height);
    body_ += fmt::format(
        "<clipPath id=\"{}\"><rect visibility=\"visible\" x=\"{}\" y=\"{}\" width=\"{}\" "
        "height=\"{}\"/></clipPath>\n"
        "<g clip-path=\"url(#{})\">\n",
        name, coordinate(corner.x), coordinate(corner.y), coordinate(width), coordinate(height), name);
}

void Svg::end_clip() { body_ += "</g>\n"; }

void Svg::place(Point corner, const Svg& other) {
    body_ += fmt::format("<g transform=\"translate({} {})\">\n{}</g>\n", coordinate(corner.x),
                         coordinate(corner.y), other.body_);
}

std::string Svg::str() const {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
        "width=\"{0}\" "
        "height=\"{1}\" viewBox=\"0 0 {0} {1}\" font-family=\"Helvetica, Arial, sans-serif\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n{2}</svg>\n",
        coordinate(width_), coordinate(height_), body_);
}

}  // namespace adjoint::picture
