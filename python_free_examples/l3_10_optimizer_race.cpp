// Lectures L3.10 and L4.7: eight optimizers race down a narrow valley, away from a saddle, and through noise.
//
// Each race is run from 50 starts, or with 50 noises, and the median is told: one run says little. SGD is
// left behind in the valley and at the saddle, which has a bottom at either side. Through noise it is one of
// the field, and momentum is the worst, since it adds up the noise of many steps.
#include <adjoint/adjoint.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr std::int64_t runs = 50;

struct Surface {
    const char* name;
    std::function<Tensor(const Tensor& x, const Tensor& y)> f;  // the height at each point
    double start[2];
    double spread[2];  // of the starts
    double noise;      // standard deviation of what is added to each gradient
    picture::Range x, y;
    picture::Values bottom_x, bottom_y;
};

struct Racer {
    const char* name;
    std::function<std::unique_ptr<optim::Optimizer>(const Tensor& w)> make;
};

template <class O, class Options> Racer racer(const char* name, const Options& options) {
    return {name, [options](const Tensor& w) { return std::make_unique<O>(std::vector{w}, options); }};
}

Tensor heights(const Surface& surface, const Tensor& w) {
    return surface.f(select(w, 1, 0), select(w, 1, 1));
}

picture::Svg race(const Surface& surface, const std::vector<Racer>& racers, int steps, std::uint64_t seed) {
    const auto height = [&](double x, double y) {
        return surface.f(full({1}, x, f64), full({1}, y, f64)).item();
    };
    picture::Values levels;
    for (int i = -6; i <= 14; ++i) levels.push_back(std::pow(2.0, i / 2.0) - 1.1);
    picture::Chart chart(
        {.title = tr(surface.noise > 0 ? "noise: the mean of 50 runs, and where each ends" : surface.name),
         .x = {.label = "w0", .range = surface.x},
         .y = {.label = "w1", .range = surface.y},
         .width = 560,
         .height = 460,
         .legend_below = true});
    chart.contour(height, levels);
    picture::Values end_x, end_y;
    std::vector<Tensor> all_ends;
    for (const Racer& racer : racers) {
        const bool is_first = &racer == &racers.front();  // the others are drawn over it
        manual_seed(seed);
        const Tensor start = tensor<double>({surface.start[0], surface.start[1]}, {2}),
                     spread = tensor<double>({surface.spread[0], surface.spread[1]}, {2}),
                     w = (start + randn({runs, 2}, f64) * spread).set_requires_grad();
        const auto optimizer = racer.make(w);
        const bool is_noisy = surface.noise > 0;
        picture::Values x, y;  // of the first run; where there is noise, the mean of all
        for (int step = 0; step <= steps; ++step) {
            const Tensor place = is_noisy ? mean(w.detach(), 0) : select(w.detach(), 0, 0);
            x.push_back(place(0).item());
            y.push_back(place(1).item());
            optimizer->zero_grad();
            sum(heights(surface, w)).backward();
            if (is_noisy) w.set_grad(w.grad() + randn(w.shape(), f64) * surface.noise);
            if (step < steps) optimizer->step();
        }
        picture::Values ends = heights(surface, w.detach()).to_vector<double>();
        std::sort(ends.begin(), ends.end());
        say("%s %-9s f = %7.3f -> %8.4f, the median of %d; half of them in %.4f .. %.4f\n",
            padded(tr(surface.name), 7).c_str(), racer.name, height(surface.start[0], surface.start[1]),
            (ends[runs / 2 - 1] + ends[runs / 2]) / 2, static_cast<int>(runs), ends[runs / 4],
            ends[runs - 1 - runs / 4]);
        chart.line(tr(racer.name), x, y, {.width = is_first ? 5.0 : 1.6, .seconds = 9});
        all_ends.push_back(w.detach());
        end_x.push_back(x.back());
        end_y.push_back(y.back());
    }
    chart.scatter(text_of("after %d steps", steps), end_x, end_y);
    chart.scatter(tr("start"), {surface.start[0]}, {surface.start[1]}, 7);
    chart.scatter(tr("minimum"), surface.bottom_x, surface.bottom_y, 7);
    for (std::size_t i = 0; i < racers.size() && surface.noise > 0; ++i)  // where each of the runs ends
        chart.scatter(tr(racers[i].name), select(all_ends[i], 1, 0).to_vector<double>(),
                      select(all_ends[i], 1, 1).to_vector<double>(), 2);
    return chart.draw();
}

void lecture(const LectureOptions& options) {
    const std::vector<Racer> racers{
        racer<optim::SGD>("SGD", optim::SGDOptions{.lr = 0.02}),
        racer<optim::SGD>("momentum", optim::SGDOptions{.lr = 0.02, .momentum = 0.9}),
        racer<optim::SGD>("Nesterov", optim::SGDOptions{.lr = 0.02, .momentum = 0.9, .nesterov = true}),
        racer<optim::Adagrad>("Adagrad", optim::AdagradOptions{.lr = 0.3}),
        racer<optim::Adadelta>("Adadelta", optim::AdadeltaOptions{.lr = 20}),
        racer<optim::RMSprop>("RMSprop", optim::RMSpropOptions{.lr = 0.05}),
        racer<optim::Adam>("Adam", optim::AdamOptions{.lr = 0.1}),
        racer<optim::NAdam>("NAdam", optim::NAdamOptions{.lr = 0.1})};
    const auto valley = [](const Tensor& x, const Tensor& y) { return 0.5 * square(x) + 20 * square(y); };
    // Down both ways along y, to -1 at y = -sqrt(2) and sqrt(2).
    const auto saddle = [](const Tensor& x, const Tensor& y) {
        return square(x) - square(y) + 0.25 * square(square(y));
    };
    const Surface surfaces[] = {
        {"valley", valley, {-2.5, 0.6}, {0.1, 0.1}, 0, {-3, 1}, {-1, 1}, {0}, {0}},
        {"saddle", saddle, {-1.5, 0.01}, {0.1, 0.003}, 0, {-2, 1}, {-0.5, 2}, {0}, {std::sqrt(2)}},
        {"noise", valley, {-2.5, 0.6}, {0, 0}, 4, {-3, 1}, {-1, 1}, {0}, {0}}};
    std::vector<picture::Svg> charts;
    for (const Surface& surface : surfaces) charts.push_back(race(surface, racers, 60, options.seed));
    picture::save_text(options.picture("l3_10_race.svg"), picture::grid(charts, 1).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Eight optimizers in a narrow valley, at a saddle and in noise.", lecture,
                       {.files = "l3_10_race.svg", .quick = false});
}
