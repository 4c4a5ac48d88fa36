// Lectures L3.10 and L4.7: where plain descent fails: optimizers racing down a narrow valley, away from a
// saddle, and through noise.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Surface {
    const char* name;
    std::function<Tensor(const Tensor& w)> f;  // of w (runs, 2), summed over the runs
    std::function<double(double, double)> at;
    double start[2];
    picture::Range x, y;
    double noise = 0;       // standard deviation of what is added to each gradient
    std::int64_t runs = 1;  // where there is noise, the end of one run is chance: the mean of many is told
};

using Maker = std::function<std::unique_ptr<optim::Optimizer>(const Tensor&)>;

picture::Svg race(const Surface& surface, const std::vector<std::pair<const char*, Maker>>& racers, int steps,
                  std::uint64_t seed) {
    picture::Values levels;
    for (int i = -6; i <= 6; ++i)
        levels.push_back(i == 0 ? 0 : std::copysign(std::pow(2.0, std::abs(i) - 3), i));
    picture::Chart chart({.title = surface.name,
                          .x = {.label = "w0", .range = surface.x},
                          .y = {.label = "w1", .range = surface.y}});
    chart.contour(surface.at, levels);
    for (const auto& [name, make] : racers) {
        const Tensor start = tensor({surface.start[0], surface.start[1]}, {.dtype = f64});
        const Tensor w = expand(start, {surface.runs, 2}).clone().set_requires_grad();
        const auto optimizer = make(w);
        manual_seed(seed);
        picture::Values x, y;
        for (int step = 0; step <= steps; ++step) {
            x.push_back(w(0, 0).item());
            y.push_back(w(0, 1).item());
            optimizer->zero_grad();
            surface.f(w).backward();
            if (surface.noise > 0) w.set_grad(w.grad() + randn(w.shape(), {.dtype = f64}) * surface.noise);
            if (step < steps) optimizer->step();
        }
        const NoGrad guard;
        std::printf("%-7s %-9s f = %8.4f -> %8.4f", surface.name, name, surface.at(x.front(), y.front()),
                    surface.f(w).item() / static_cast<double>(surface.runs));
        std::printf(surface.runs > 1 ? ", the mean of %d runs\n" : "\n", static_cast<int>(surface.runs));
        chart.line(name, x, y);
    }
    return chart.draw();
}

void lecture(const LectureOptions& options) {
    const std::vector<std::pair<const char*, Maker>> racers{
        {"SGD",
         [](const Tensor& w) {
             return std::make_unique<optim::SGD>(std::vector{w}, optim::SGDOptions{.lr = 0.02});
         }},
        {"momentum",
         [](const Tensor& w) {
             return std::make_unique<optim::SGD>(std::vector{w},
                                                 optim::SGDOptions{.lr = 0.02, .momentum = 0.9});
         }},
        {"Adagrad",
         [](const Tensor& w) {
             return std::make_unique<optim::Adagrad>(std::vector{w}, optim::AdagradOptions{.lr = 0.3});
         }},
        {"RMSprop",
         [](const Tensor& w) {
             return std::make_unique<optim::RMSprop>(std::vector{w}, optim::RMSpropOptions{.lr = 0.05});
         }},
        {"Adam", [](const Tensor& w) {
             return std::make_unique<optim::Adam>(std::vector{w}, optim::AdamOptions{.lr = 0.1});
         }}};
    const Tensor steepness = tensor({0.5, 20.0}, {.dtype = f64}),
                 saddle = tensor({1.0, -1.0}, {.dtype = f64});
    const Surface surfaces[] = {{"valley",
                                 [=](const Tensor& w) { return sum(steepness * square(w)); },
                                 [](double x, double y) { return 0.5 * x * x + 20 * y * y; },
                                 {-2.5, 0.6},
                                 {-3, 1},
                                 {-1, 1}},
                                {"saddle",
                                 [=](const Tensor& w) { return sum(saddle * square(w)); },
                                 [](double x, double y) { return x * x - y * y; },
                                 {-1.5, 0.01},
                                 {-2, 1},
                                 {-0.5, 3}},
                                {"noise",
                                 [=](const Tensor& w) { return sum(steepness * square(w)); },
                                 [](double x, double y) { return 0.5 * x * x + 20 * y * y; },
                                 {-2.5, 0.6},
                                 {-3, 1},
                                 {-1, 1},
                                 4,
                                 400}};
    std::vector<picture::Svg> charts;
    for (const Surface& surface : surfaces) charts.push_back(race(surface, racers, 60, options.seed));
    picture::save_text(options.picture("l3_10_race.svg"), picture::grid(charts, 3).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Five optimizers in a narrow valley, at a saddle and in noise.", lecture);
}
