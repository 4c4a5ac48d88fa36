// Lecture L2.6: gradient descent ends in the minimum of the valley where it began: five starts on one curve,
// of which two find the global one.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

// Its global minimum lies near -1.39, local ones near -4.35 and 1.56.
Tensor curve(const Tensor& x) { return 0.1 * square(x) + sin(2 * x + 1.2) * 0.8 + 0.3 * x; }

void lecture(const LectureOptions& options) {
    const Tensor places = linspace(-5, 4, 400, f64);
    picture::Chart chart(
        {.title = tr("Five starts, three minima"), .x = {.label = "x"}, .y = {.label = "f(x)"}});
    chart.line("f", places.to_vector<double>(), curve(places).to_vector<double>());
    picture::Values start_x, start_y, end_x, end_y;
    for (const double start : {-3.5, -1.2, -0.5, 1.5, 3.5}) {
        const Tensor x = full({}, start, f64).set_requires_grad();
        optim::SGD optimizer({x}, {.lr = 0.1});
        start_x.push_back(start);
        start_y.push_back(curve(x).item());
        for (int step = 0; step < 200; ++step) {
            optimizer.zero_grad();
            curve(x).backward();
            optimizer.step();
        }
        end_x.push_back(x.item());
        end_y.push_back(curve(x).item());
        say("from %5.2f, f = %7.4f: to %7.4f, f = %7.4f\n", start, start_y.back(), end_x.back(),
            end_y.back());
    }
    chart.scatter(tr("starts"), start_x, start_y).scatter(tr("ends"), end_x, end_y, 6);
    chart.save(options.picture("l2_6_minima.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Gradient descent from five starts: local and global minima.", lecture,
                       {.files = "l2_6_minima.svg", .quick = false, .seed = false});
}
