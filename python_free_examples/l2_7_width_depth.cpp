// Lecture L2.7: one hidden layer that is wide enough comes as near to a curve as one likes; depth does more
// with as many weights.
//
// A wave is fitted with ever more units in one layer. Then teeth: a tent folds the line once, a layer of two
// units is a tent, and k of them on top of each other have 2^k - 1 corners, for each of which one layer
// needs a unit. That is what weights can do; what training finds with as many weights is measured: on the
// teeth the deep net gains nothing and is stuck now and then, on rings in the plane it halves the error.
#include <adjoint/adjoint.h>

#include <algorithm>
#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

// Layers of these sizes, with an activation behind all but the last.
nn::Sequential make_net(const std::vector<std::int64_t>& sizes, const nn::Layer& activation) {
    std::vector<nn::Layer> layers;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
        if (i > 0) layers.push_back(activation);
        layers.emplace_back(nn::Linear(sizes[i], sizes[i + 1]));
    }
    return nn::Sequential(layers);
}

// The root of the mean squared error after so many steps of Adam on all points at once.
double fit(const nn::Sequential& net, const Tensor& x, const Tensor& y, int steps) {
    optim::Adam optimizer(net.parameters(), {.lr = 0.02});
    optim::CosineAnnealingLR schedule(optimizer, steps);
    for (int step = 0; step < steps; ++step) {
        optimizer.zero_grad();
        mse_loss(net(x), y).backward();
        optimizer.step();
        schedule.step();
    }
    const NoGrad guard;
    return std::sqrt(mse_loss(net(x), y).item());
}

Tensor points(double from, double to) { return unsqueeze(linspace(from, to, 257, f32), 1); }
picture::Values numbers(const Tensor& x) { return x.to_vector<double>(); }

picture::Svg widths(const LectureOptions& options) {
    const Tensor x = points(-3, 3), y = sin(2 * x) + 0.5 * cos(5 * x);
    picture::Chart chart({.title = tr("One hidden layer"),
                          .x = {.label = "x"},
                          .y = {.label = "y"},
                          .width = 560,
                          .height = 360});
    chart.line(tr("curve"), numbers(x), numbers(y), {.width = 3});
    for (const std::int64_t width : {1, 2, 4, 8, 16, 32, 64}) {
        picture::Values errors;
        const int seeds = options.quick ? 3 : 11;
        for (int seed = 0; seed < seeds; ++seed) {
            manual_seed(options.seed + static_cast<std::uint64_t>(seed));
            const nn::Sequential net = make_net({1, width, 1}, nn::Tanh());
            errors.push_back(fit(net, x, y, options.quick ? 600 : 3000));
            if (seed == 0 && (width == 2 || width == 8 || width == 64))
                chart.line(text_of("%d units", static_cast<int>(width)), numbers(x),
                           numbers(net(x).detach()));
        }
        say("%2d units in one layer: error %.4f, the median of %d seeds\n", static_cast<int>(width),
            median_of(errors), seeds);
    }
    return chart.draw();
}

// 1 - |2 x - 1| by a layer of two units: 2 relu(x) - 4 relu(x - 1/2).
Tensor tent(const Tensor& x) { return 2 * relu(x) - 4 * relu(x - 0.5); }

// How often the curve through the points turns.
int corners(const Tensor& y) {
    const picture::Values at = numbers(y);
    int turns = 0;
    for (std::size_t i = 2; i < at.size(); ++i) turns += (at[i] - at[i - 1]) * (at[i - 1] - at[i - 2]) < 0;
    return turns;
}

void teeth_by_hand() {
    Tensor teeth = points(0, 1);
    for (int layers = 1; layers <= 5; ++layers) {
        teeth = tent(teeth);
        say("%d layers of 2 units by hand: %2d corners; one layer needs %2d units for as many\n", layers,
            corners(teeth), (1 << layers) - 1);
    }
}

struct Task {
    const char* name;
    Tensor x, y;
    std::vector<std::vector<std::int64_t>> shapes;
};

// Trains each shape with several seeds; the nets of the first one.
std::vector<nn::Sequential> compare(const Task& task, const LectureOptions& options) {
    std::vector<nn::Sequential> nets;
    for (const std::vector<std::int64_t>& sizes : task.shapes) {
        std::string name = tr(task.name);
        for (std::size_t i = 0; i < sizes.size(); ++i)
            name += (i == 0 ? " " : "-") + std::to_string(sizes[i]);
        picture::Values errors;
        const int seeds = options.quick ? 3 : 11;
        for (int seed = 0; seed < seeds; ++seed) {
            manual_seed(options.seed + static_cast<std::uint64_t>(seed));
            const nn::Sequential net = make_net(sizes, nn::ReLU());
            errors.push_back(fit(net, task.x, task.y, options.quick ? 600 : 3000));
            if (seed == 0) nets.push_back(net);
        }
        say("%s %d parameters: error %.4f, the median of %d seeds, from %.4f to %.4f\n",
            padded(name, 20).c_str(), static_cast<int>(nets.back().parameter_count()), median_of(errors),
            seeds, *std::min_element(errors.begin(), errors.end()),
            *std::max_element(errors.begin(), errors.end()));
        std::fflush(stdout);
    }
    return nets;
}

Tensor rings(const Tensor& x) { return sin(2 * sum(square(x), 1, true)); }

picture::Svg depths(const LectureOptions& options) {
    const Tensor x = points(0, 1);
    compare({"teeth", 6 * x - 3, tent(tent(tent(x))), {{1, 80, 1}, {1, 10, 10, 10, 1}}}, options);
    manual_seed(options.seed);
    const Tensor places = rand({1000, 2}) * 4 - 2;
    const std::vector<nn::Sequential> nets =
        compare({"rings", places, rings(places), {{2, 80, 1}, {2, 11, 11, 11, 1}}}, options);
    const std::int64_t side = 96;
    const Tensor line = linspace(-2, 2, side, f32), across = expand(line, {side, side});
    const Tensor plane = reshape(stack({across, t(across)}, 2), {-1, 2});
    const NoGrad guard;
    const Tensor heights = cat({rings(plane), nets[0](plane), nets[1](plane)});
    return picture::image_sheet(round(reshape(clamp((heights + 1) / 2, 0, 1), {3, side, side}) * 255).to(u8),
                                {.title = tr("Rings, by a wide and by a deep net"),
                                 .columns = 3,
                                 .size = 170,
                                 .captions = {tr("the function"), "2-80-1", "2-11-11-11-1"}});
}

void lecture(const LectureOptions& options) {
    const picture::Svg wide = widths(options);
    teeth_by_hand();
    const picture::Svg deep = depths(options);
    picture::save_text(options.picture("l2_7_width_depth.svg"), picture::grid({wide, deep}, 1).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv,
                       "One hidden layer of growing width on a curve; as many weights wide and deep.",
                       lecture, {.time = "less than a minute", .files = "l2_7_width_depth.svg"});
}
