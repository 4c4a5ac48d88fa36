// Lecture L3.1: linear and logistic regression by gradient descent, with the update formulas of the slides.
//
// Linear:   y = w x + b,          w -= rate mean((y - t) x),  b -= rate mean(y - t)
// Logistic: y = sigmoid(w x + b), and the same two lines, because cross entropy has the same gradient.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr Options f64_numbers{.dtype = DType::f64};

double mean_of(const Tensor& x) { return mean(x).item(); }

struct Line {
    double w = 0, b = 0;
};

// Gradient descent from w = b = 0 on the error y - t, whatever y is.
template <class Model> Line descend(const Tensor& x, const Tensor& t, double rate, int steps, Model model) {
    Line line;
    for (int step = 0; step < steps; ++step) {
        const Tensor error = model(line, x) - t;
        line = {line.w - rate * mean_of(error * x), line.b - rate * mean_of(error)};
    }
    return line;
}

void linear_regression(const LectureOptions& options) {
    const Tensor x = rand({100}, f64_numbers) * 4.0, t = 2.5 * x - 1.0 + 0.5 * randn({100}, f64_numbers);
    const auto model = [](const Line& line, const Tensor& at) { return line.w * at + line.b; };
    const Line found = descend(x, t, 0.1, options.quick ? 500 : 2000, model);
    const double w = mean_of((x - mean(x)) * (t - mean(t))) / mean_of(square(x - mean(x)));
    const Line closed{w, mean_of(t) - w * mean_of(x)};
    say("linear:   gradient descent w = %.5f, b = %.5f\n", found.w, found.b);
    say("          least squares    w = %.5f, b = %.5f, difference %.1e\n", closed.w, closed.b,
        std::max(std::abs(found.w - closed.w), std::abs(found.b - closed.b)));
    picture::Chart({.title = tr("Linear regression"), .x = {.label = "x"}, .y = {.label = "y"}})
        .scatter(tr("samples"), x.to_vector<double>(), t.to_vector<double>(), 3)
        .line(tr("gradient descent"), {0, 4}, {found.b, 4 * found.w + found.b})
        .save(options.picture("l3_1_linear.svg"));
}

void logistic_regression(const LectureOptions& options) {
    const Tensor x = randn({200}, f64_numbers) * 2.0;
    const Tensor t = lt(rand({200}, f64_numbers), sigmoid(1.5 * x - 1.0)).to(f64);  // drawn by its own law
    const auto model = [](const Line& line, const Tensor& at) { return sigmoid(line.w * at + line.b); };
    const Line found = descend(x, t, 0.5, options.quick ? 500 : 2000, model);
    // There is no closed form; Newton's method goes to the same minimum in a few steps.
    Line newton;
    for (int step = 0; step < 10; ++step) {
        const Tensor y = model(newton, x), slope = y * (1.0 - y);
        const double gw = mean_of((y - t) * x), gb = mean_of(y - t);
        const double ww = mean_of(slope * x * x), wb = mean_of(slope * x), bb = mean_of(slope);
        const double determinant = ww * bb - wb * wb;
        newton = {newton.w - (bb * gw - wb * gb) / determinant, newton.b - (ww * gb - wb * gw) / determinant};
    }
    const Tensor y = model(found, x);
    say("logistic: gradient descent w = %.5f, b = %.5f, accuracy %.3f\n", found.w, found.b,
        mean_of(eq(gt(y, 0.5), gt(t, 0.5)).to(f64)));
    say("          Newton's method  w = %.5f, b = %.5f, difference %.1e\n", newton.w, newton.b,
        std::max(std::abs(found.w - newton.w), std::abs(found.b - newton.b)));
    const Tensor places = linspace(-6, 6, 121, f64_numbers);
    picture::Chart({.title = tr("Logistic regression"),
                    .x = {.label = "x"},
                    .y = {.label = tr("probability of class 1")}})
        .scatter(tr("samples"), x.to_vector<double>(), t.to_vector<double>(), 3)
        .line(tr("gradient descent"), places.to_vector<double>(), model(found, places).to_vector<double>())
        .save(options.picture("l3_1_logistic.svg"));
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    linear_regression(options);
    logistic_regression(options);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Linear and logistic regression by gradient descent.", lecture,
                       {.files = "l3_1_linear.svg, l3_1_logistic.svg"});
}
