// Lecture L2.10: one number for many samples. Where the noise is Gaussian, the likelihood is highest at
// their mean; where it is Laplace's, at their median. So the squared error seeks the mean and the absolute
// error the median, and one sample that is far off moves the first alone.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

using picture::Values;
using Loss = Tensor (*)(const Tensor& samples, const Tensor& place);

// Negative log-likelihoods but for a constant, of deviation 1 and of width 1.
Tensor gauss(const Tensor& samples, const Tensor& place) { return mean(square(samples - place)) / 2; }
Tensor laplace(const Tensor& samples, const Tensor& place) { return mean(abs(samples - place)); }

// By descent whose rate goes to 0: the slope of an absolute value does not.
double lowest(Loss loss, const Tensor& samples) {
    const int steps = 2000;
    const Tensor place = full({}, 10.0, f64).set_requires_grad();
    optim::SGD optimizer({place}, {.lr = 0.5});
    optim::CosineAnnealingLR schedule(optimizer, steps);
    for (int step = 0; step < steps; ++step) {
        optimizer.zero_grad();
        loss(samples, place).backward();
        optimizer.step();
        schedule.step();
    }
    return place.item();
}

// Each curve above its lowest point, which is marked.
picture::Svg draw(const char* title, const Tensor& samples, double by_gauss, double by_laplace) {
    picture::Chart chart({.title = title,
                          .x = {.label = tr("the one number"), .range = picture::Range{0, 14}},
                          .y = {.label = tr("loss above its least"), .range = picture::Range{-0.3, 6}},
                          .width = 560,
                          .height = 340});
    const struct {
        const char* name;
        Loss loss;
        double place;
    } curves[] = {{"Gauss", gauss, by_gauss}, {"Laplace", laplace, by_laplace}};
    Values ends;
    for (const auto& [name, loss, place] : curves) {
        const double least = loss(samples, full({}, place, f64)).item();
        Values x, y;
        for (double at = 0; at <= 14; at += 0.05) {
            x.push_back(at);
            y.push_back(loss(samples, full({}, at, f64)).item() - least);
        }
        chart.line(tr(name), x, y);
        ends.push_back(place);
    }
    Values inside;
    for (const double sample : samples.to_vector<double>())
        if (sample <= 14) inside.push_back(sample);
    return chart.scatter(tr("ends"), ends, {0, 0}, 6)
        .scatter(tr("samples"), inside, Values(inside.size(), -0.15), 3)
        .draw();
}

void lecture(const LectureOptions& options) {
    std::vector<picture::Svg> charts;
    for (const double last : {9.0, 60.0}) {
        const Values values{2, 2.5, 3, 3.5, 4, 5, last};
        const Tensor samples = tensor(values, {7});
        const double by_gauss = lowest(gauss, samples), by_laplace = lowest(laplace, samples);
        say("samples:");
        for (const double value : values) std::printf(" %g", value);
        say("\n  Gauss:   descent ends at %7.4f, the mean is   %7.4f\n", by_gauss, mean(samples).item());
        say("  Laplace: descent ends at %7.4f, the median is %7.4f\n", by_laplace, median_of(values));
        charts.push_back(
            draw(tr(last < 10 ? "Seven samples" : "The last one at 60"), samples, by_gauss, by_laplace));
    }
    picture::save_text(options.picture("l2_10_mean_median.svg"), picture::grid(charts, 1).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A Gaussian likelihood gives the mean, a Laplace likelihood the median.",
                       lecture, {.files = "l2_10_mean_median.svg", .quick = false, .seed = false});
}
