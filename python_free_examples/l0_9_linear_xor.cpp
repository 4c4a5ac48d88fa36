// Lecture L0.9: no linear model computes XOR; a net of two ReLU units, its weights set by hand, does.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void lecture(const LectureOptions& options) {
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, {.dtype = f64}),
                 y = tensor({0, 1, 1, 0}, {.dtype = f64});

    // Least squares by gradient descent: the loss is convex, so where it stops there is nothing better.
    const Tensor w = zeros({2}, {.dtype = f64, .requires_grad = true}),
                 b = zeros({}, {.dtype = f64, .requires_grad = true});
    optim::SGD optimizer({w, b}, {.lr = 0.5});
    for (int step = 0; step < 500; ++step) {
        optimizer.zero_grad();
        mse_loss(sum(x * w, 1) + b, y).backward();
        optimizer.step();
    }
    say("least squares: w = (%.4f, %.4f), b = %.4f\n", std::abs(w(0).item()), std::abs(w(1).item()),
        b.item());

    const Tensor first = ones({2, 2}, {.dtype = f64}), c = tensor({0, -1}, {.dtype = f64}),
                 second = tensor({1, -2}, {.dtype = f64});
    const Tensor hidden = relu(matmul(x, first) + c), output = sum(hidden * second, 1);
    say("by hand: outputs");
    for (const double v : output.to_vector<double>()) std::printf(" %g", v);
    std::printf("\n");

    const auto plane = [&](const char* title, const Tensor& points) {
        const picture::Values h0 = select(points, 1, 0).to_vector<double>(),
                              h1 = select(points, 1, 1).to_vector<double>();
        picture::Chart chart({.title = title,
                              .x = {.range = picture::Range{-0.5, 2.5}},
                              .y = {.range = picture::Range{-0.5, 1.5}},
                              .width = 280,
                              .height = 300,
                              .legend_below = true});
        chart.scatter(tr("wanted 0"), {h0[0], h0[3]}, {h1[0], h1[3]}, 6);
        chart.scatter(tr("wanted 1"), {h0[1], h0[2]}, {h1[1], h1[2]}, 6);
        if (h0[1] == h0[2] && h1[1] == h1[2])  // a ring around the two that lie at one place
            chart.scatter(tr("wanted 1"), {h0[1]}, {h1[1]}, 10).scatter(tr("wanted 1"), {h0[2]}, {h1[2]}, 6);
        return chart;
    };
    picture::save_text(options.picture("l0_9_hidden.svg"),
                       picture::grid({plane(tr("the inputs: no line divides"), x).draw(),
                                      plane(tr("the hidden units, two points at one place"), hidden)
                                          .line(tr("output 1/2"), {-0.5, 2.5}, {-0.5, 1})  // h0 - 2 h1 = 1/2
                                          .draw()},
                                     2)
                           .str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "XOR: least squares fails, two ReLU units suffice.", lecture,
                       {.files = "l0_9_hidden.svg", .quick = false, .seed = false});
}
