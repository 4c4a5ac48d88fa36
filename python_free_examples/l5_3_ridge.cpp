// Lecture L5.3: polynomials of order 0, 1, 6, 9 through ten noisy samples of sin(2 pi x), and order 9 with a
// ridge penalty: the coefficients explode without it and are tamed with it.
#include <adjoint/adjoint.h>

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
    double lambda;
};

void print_table(const std::vector<Fit>& fits, const std::vector<Tensor>& found) {
    std::printf("%-5s", "");
    for (const Fit& fit : fits) std::printf(" %14s", fit.name.c_str());
    for (std::int64_t i = 0; i < 10; ++i) {
        std::printf("\nw%-4d", static_cast<int>(i));
        for (const Tensor& w : found) {
            if (i < w.size(0))
                std::printf(" %14.2f", w(i).item());
            else
                std::printf(" %14s", "");
        }
    }
    std::printf("\n%-5s", "most");
    for (const Tensor& w : found) std::printf(" %14.2f", max(abs(w)).item());
    std::printf("\n\n");
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
    chart.scatter("samples", x.to_vector<double>(), y.to_vector<double>());
    chart.line("sin(2 pi x)", at, sin(2 * M_PI * places).to_vector<double>(), {.dashed = true});
    for (const Fit& fit : fits) {
        found.push_back(fit_polynomial(x, y, fit.order, fit.lambda));
        chart.line(
            fit.name, at,
            matmul(data::polynomial_features(places, fit.order, true), found.back()).to_vector<double>());
    }
    return chart.draw();
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const Tensor x = linspace(0, 1, 10, f64_numbers);
    const Tensor y = sin(2 * M_PI * x) + 0.3 * randn({10}, f64_numbers);
    const std::vector<Fit> orders{{"order 0", 0, 0}, {"order 1", 1, 0}, {"order 6", 6, 0}, {"order 9", 9, 0}};
    const std::vector<Fit> ridges{
        {"ln l = -inf", 9, 0}, {"ln l = -18", 9, std::exp(-18.0)}, {"ln l = 0", 9, 1}};
    std::vector<Tensor> by_order, by_ridge;
    const picture::Svg left = draw(orders, x, y, "Order of the polynomial", by_order),
                       right = draw(ridges, x, y, "Order 9 with ridge", by_ridge);
    std::printf("Least squares:\n");
    print_table(orders, by_order);
    std::printf("Order 9 with the penalty l |w|^2:\n");
    print_table(ridges, by_ridge);
    picture::save_text(options.picture("l5_3_ridge.svg"), picture::grid({left, right}, 2).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Polynomials through noisy samples of a sine, without and with ridge.",
                       lecture);
}
