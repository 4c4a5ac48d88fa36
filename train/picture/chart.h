// Charts of curves, points, histograms, decision regions and contours, as SVG.
//
//     picture::Chart({.title = "XOR", .x = {.label = "epoch"}, .y = {.label = "cost", .log = true}})
//         .line("2-4-1", epochs, costs).save("xor.svg");
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/tensor/tensor.h>
#include <adjoint/train/picture/scale.h>
#include <adjoint/train/picture/svg.h>

namespace adjoint::picture {

/// The smallest and largest value of an axis.
using Range = std::pair<double, double>;
/// The numbers of a curve.
using Values = std::vector<double>;

/// One of the two axes.
struct Axis {
    std::string label = {};
    bool log = false;
    std::optional<Range> range = {};  ///< else what the data needs
};

struct ChartOptions {
    std::string title = {};
    Axis x = {}, y = {};
    double width = 640, height = 420;
    std::string legend = {};    ///< above the names of the series: what they are of
    bool legend_below = false;  ///< the names under the chart, for a narrow one; else at its right
};

/// How a curve looks.
struct LineStyle {
    bool dashed = false, points = false;
    bool pale = false;  ///< grey: one of many, behind the curve that counts
    double width = 1.8;
    double first = 1;  ///< of curve(): where it begins
    /// A dot goes from point to point in so many seconds, again and again; 0: there is none.
    double seconds = 0;
};

/// Curves, points and bars in one frame.
class ADJOINT_API Chart {
  public:
    explicit Chart(ChartOptions options = {});

    /// A curve through the points; one that is not finite interrupts it. One that ends so is marked where it
    /// was last seen, and named NaN, or inf, in the legend. Named series are in the legend.
    /// errors: ShapeError if the numbers of x and y differ.
    Chart& line(std::string name, Values x, Values y, const LineStyle& style = {});
    /// A line over 1, 2, 3 .., or from style.first on.
    Chart& curve(std::string name, Values y, const LineStyle& style = {});
    Chart& scatter(std::string name, Values x, Values y, double radius = 4);
    /// How many of the values fall into each of `bins` equal parts of their range: as bars, or where a chart
    /// has several histograms as their outlines.
    Chart& histogram(std::string name, const Values& values, int bins = 40);
    /// What a classifier says at each place of the plane. `classify` takes (n, 2) f32 points; integers (n)
    /// are class numbers, floats (n) or (n, 1) are the probability of class 1. Both axes need a range.
    /// It is asked at the middles of cells x cells squares.
    Chart& regions(const std::function<Tensor(const Tensor& points)>& classify, int cells = 160);
    /// Lines of equal f(x, y) at `levels`. Both axes need a range.
    Chart& contour(const std::function<double(double x, double y)>& f, Values levels);

    /// The picture.
    Svg draw() const;
    /// errors: IoError.
    void save(const std::string& path) const { save_text(path, draw().str()); }

  private:
    struct Series {
        enum class Kind : std::uint8_t { line, scatter, bars } kind;
        std::string name;
        Values x, y;
        LineStyle style;
        double radius = 0;
        std::size_t color = 0;
        std::string ink() const;
        std::string in_legend() const;
    };
    struct Level {
        double position;           // among the levels, 0 to 1
        std::vector<Point> lines;  // in units of the data, interrupted by NaN
    };

    Chart& add(Series series);
    Scale scale(bool horizontal) const;
    struct Frame;
    void draw_lines(Svg& svg, const Frame& frame, const Series& s) const;
    void draw_bars(Svg& svg, const Frame& frame, const Series& s) const;
    std::vector<Point> legend_places(const std::vector<const Series*>& named, double room) const;
    void draw_legend(Svg& svg, const Frame& frame, Point corner,
                     const std::vector<const Series*>& named) const;

    ChartOptions options_;
    std::vector<Series> series_;
    std::vector<std::byte> background_;  // PNG
    std::vector<Level> levels_;
};

}  // namespace adjoint::picture
