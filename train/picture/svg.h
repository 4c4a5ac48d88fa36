// A writer of SVG elements; the charts and drawings of this folder are made with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint::picture {

struct Point {
    double x = 0, y = 0;
};

struct TextStyle {
    double size = 12;
    const char* anchor = "middle";  ///< start, middle or end
    std::string_view color = "#222222";
    bool bold = false;
    double turn = 0;  ///< degrees, clockwise around the position
};

/// `text` as XML and HTML spell it.
ADJOINT_API std::string escape(std::string_view text);
/// A number with at most two decimals, as positions are written.
ADJOINT_API std::string coordinate(double value);
/// A number as people write it on an axis: 0.25, 1500, 2e-6.
ADJOINT_API std::string label(double value);
/// About how wide a text of this size is drawn.
ADJOINT_API double text_width(std::string_view text, double size = 12);
/// The colour of series number `index`; they differ also for people who do not tell red from green.
ADJOINT_API std::string series_color(std::size_t index);
/// A colour of a map from dark (0) to bright (1) whose lightness rises evenly; values outside are cut.
ADJOINT_API std::string map_color(double value);
/// Red, green and blue of a colour "#rrggbb".
/// errors: ValueError for what is none.
ADJOINT_API std::array<std::uint8_t, 3> color_channels(std::string_view color);
/// A mixture of two colours "#rrggbb": `amount` of the second.
/// errors: as color_channels.
ADJOINT_API std::string blend(std::string_view first, std::string_view second, double amount);
/// Writes `text` to a file.
/// errors: IoError.
ADJOINT_API void save_text(const std::string& path, std::string_view text);

/// A picture that is written element by element; positions in pixels from the upper left corner.
class ADJOINT_API Svg {
  public:
    Svg(double width, double height) : width_(width), height_(height) {}

    /// `style` is SVG's own attributes: stroke="#000" fill="none" ..
    void line(Point from, Point to, std::string_view style);
    void rectangle(Point corner, double width, double height, std::string_view style);
    void circle(Point center, double radius, std::string_view style);
    /// A point that is not finite interrupts the line.
    void path(std::span<const Point> points, std::string_view style);
    void text(Point at, std::string_view text, const TextStyle& style = {});
    /// A PNG file, stretched; pixels stay square edged.
    void image(Point corner, double width, double height, std::span<const std::byte> png);
    /// What follows is drawn inside this rectangle only, until end_clip().
    void begin_clip(Point corner, double width, double height);
    void end_clip();
    /// An element as it is spelt.
    void element(std::string_view text) { body_ += text; }
    /// The elements of another picture, moved.
    void place(Point corner, const Svg& other);

    double width() const noexcept { return width_; }
    double height() const noexcept { return height_; }
    std::string str() const;

  private:
    double width_, height_;
    int clips_ = 0;
    std::string body_;
};

}  // namespace adjoint::picture
