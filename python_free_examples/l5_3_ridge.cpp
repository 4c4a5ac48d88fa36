// Lecture L5.3: polynomials of order 0, 1, 3, 6, 9 through ten noisy samples of sin(2 pi x), and order 9 with
// a ridge penalty: the coefficients explode without it and are tamed with it.
//
// The slides' table stands beside ours. It is of the ten samples below, which give it digit for digit, but
// three of its columns are of other settings than they say: "6" is of order 3, the ridges of ln lambda = -18
// and 0 are those of -16.08 and 2.29.
// source: the table is of Bishop, Pattern Recognition and Machine Learning, 2006, 1.1.
#include <adjoint/adjoint.h>

#include <algorithm>
#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr Options f64_numbers{.dtype = DType::f64};

// The w that minimises |a w - y|^2: a = q r by Gram and Schmidt, then r w = q^T y from the last row up.
Tensor least_squares(const Tensor& a, const Tensor& y) {
    const std::int64_t n = a.size(1);
    const Tensor q = a.clone(), r = zeros({n, n}, f64_numbers);
    Tensor w = zeros({n}, f64_numbers);
    for (std::int64_t i = 0; i < n; ++i) {
        r(i, i) = norm(select(q, 1, i));
        q(all, i) = select(q, 1, i) / r(i, i);
        for (int pass = 0; pass < 2; ++pass)  // a second pass removes what rounding left of the first
            for (std::int64_t j = i + 1; j < n; ++j) {
                const Tensor along = dot(select(q, 1, i), select(q, 1, j));
                r(i, j) = r(i, j) + along;
                q(all, j) = select(q, 1, j) - along * select(q, 1, i);
            }
    }
    const Tensor right = matmul(t(q), y);
    for (std::int64_t i = n - 1; i >= 0; --i) w(i) = (right(i) - dot(select(r, 0, i), w)) / r(i, i);
    return w;
}

// Least squares with lambda |w|^2: the penalty is that many more samples, sqrt(lambda) w = 0.
Tensor fit_polynomial(const Tensor& x, const Tensor& y, std::int64_t order, double lambda) {
    const Tensor powers = data::polynomial_features(x, order, true);
    if (lambda == 0) return least_squares(powers, y);
    return least_squares(cat({powers, std::sqrt(lambda) * eye(order + 1, -1, f64_numbers)}),
                         cat({y, zeros({order + 1}, f64_numbers)}));
}

struct Fit {
    std::string name;
    std::int64_t order;
    double ln_lambda;
    const char* slides_name = nullptr;  // of the column that has these figures
    std::vector<double> slides = {};
    double lambda() const { return std::exp(ln_lambda); }
};
constexpr double none = -INFINITY;

std::string cell(const std::vector<double>& column, std::size_t i) {
    char text[32] = "";
    if (i < column.size()) std::snprintf(text, sizeof text, "%.2f", column[i]);
    return text;
}

// Columns of ours, each with that of the slides behind it. Says how far they are from each other at most.
double print_table(const std::vector<Fit>& fits, const std::vector<Tensor>& found) {
    std::vector<std::pair<std::string, std::vector<double>>> columns;
    double farthest = 0;
    for (std::size_t i = 0; i < fits.size(); ++i) {
        columns.emplace_back(fits[i].name, found[i].to_vector<double>());
        if (!fits[i].slides_name) continue;
        columns.emplace_back(fits[i].slides_name, fits[i].slides);
        for (std::size_t k = 0; k < fits[i].slides.size(); ++k)
            farthest = std::max(farthest, std::abs(fits[i].slides[k] - found[i].to_vector<double>()[k]));
    }
    std::printf("%-3s", "");
    for (const auto& [name, values] : columns) std::printf(" %s", padded(tr(name), -14).c_str());
    for (std::size_t i = 0; i < 10; ++i) {
        std::printf("\nw%-2d", static_cast<int>(i));
        for (const auto& [name, values] : columns) std::printf(" %14s", cell(values, i).c_str());
    }
    std::printf("\n\n");
    return farthest;
}

picture::Svg draw(const std::vector<Fit>& fits, const Tensor& x, const Tensor& y, const char* title,
                  std::vector<Tensor>& found) {
    const Tensor places = linspace(0, 1, 201, f64_numbers);
    const picture::Values at = places.to_vector<double>();
    picture::Chart chart({.title = title,
                          .x = {.label = "x"},
                          .y = {.label = "y", .range = picture::Range{-1.6, 1.6}},
                          .width = 560,
                          .height = 400});
    chart.scatter(tr("samples"), x.to_vector<double>(), y.to_vector<double>());
    chart.line("sin(2 pi x)", at, sin(2 * M_PI * places).to_vector<double>(), {.dashed = true});
    for (const Fit& fit : fits) {
        found.push_back(fit_polynomial(x, y, fit.order, fit.lambda()));
        const bool by_lambda = fit.name.starts_with("ln ");
        chart.line(
            by_lambda ? "ln λ = " + fit.name.substr(3) : tr(fit.name), at,
            matmul(data::polynomial_features(places, fit.order, true), found.back()).to_vector<double>());
    }
    return chart.draw();
}

void lecture(const LectureOptions& options) {
    const Tensor x = linspace(0, 1, 10, f64_numbers);
    const Tensor y = tensor<double>(
        {.349486, .830839, 1.007332, .971507, .133066, .166823, -.848307, -.445686, -.563567, .261502}, {10});
    const std::vector<Fit> orders{{"order 0", 0, none, "slides' 0", {0.19}},
                                  {"order 1", 1, none, "slides' 1", {0.82, -1.27}},
                                  {"order 3", 3, none, "slides' 6", {0.31, 7.99, -25.43, 17.37}},
                                  {"order 6", 6, none},
                                  {"order 9",
                                   9,
                                   none,
                                   "slides' 9",
                                   {0.35, 232.37, -5321.83, 48568.31, -231639.30, 640042.26, -1061800.52,
                                    1042400.18, -557682.99, 125201.43}}};
    const std::vector<Fit> ridges{
        {"ln -inf", 9, none},
        {"ln -18", 9, -18},
        {"ln -16.08",
         9,
         -16.08,
         "slides' -18",
         {0.35, 4.74, -0.77, -31.97, -3.89, 55.28, 41.32, -45.95, -91.53, 72.68}},
        {"ln 0", 9, 0},
        {"ln 2.29", 9, 2.29, "slides' 0", {0.13, -0.05, -0.06, -0.05, -0.03, -0.02, -0.01, 0, 0, 0.01}}};
    std::vector<Tensor> by_order, by_ridge;
    const picture::Svg left = draw(orders, x, y, tr("Order of the polynomial"), by_order),
                       right = draw(ridges, x, y, tr("Order 9 with ridge λ |w|^2"), by_ridge);
    say("Coefficients by least squares; the slides' column \"6\" is of order 3.\n");
    const double orders_differ = print_table(orders, by_order);
    say("Order 9 with the penalty lambda |w|^2, by ln of lambda; the slides' -18 is about -16.08, their 0 "
        "about 2.29.\n");
    const double ridges_differ = print_table(ridges, by_ridge);
    say("farthest from the slides: %.2f of %.0f, and %.2f with ridge\n", orders_differ,
        max(abs(by_order.back())).item(), ridges_differ);
    picture::save_text(options.picture("l5_3_ridge.svg"), picture::grid({left, right}, 1).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv,
        "Polynomials through noisy samples of a sine, without and with ridge, beside the slides' table.",
        lecture, {.files = "l5_3_ridge.svg", .quick = false, .seed = false});
}
