// Lecture L1.3: batch, stochastic and mini-batch gradient descent on one problem, two interleaved half moons.
#include <adjoint/adjoint.h>

#include <chrono>
#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

data::Dataset moons(std::int64_t n) {
    const Tensor angle = rand({n}) * M_PI, upper = gt(rand({n}), 0.5).to(f32), side = 2.0 * upper - 1.0;
    const Tensor x0 = side * cos(angle) + (1.0 - upper), x1 = side * sin(angle) + 0.5 * (1.0 - upper);
    return {.inputs = stack({x0, x1}, 1) + 0.15 * randn({n, 2}), .targets = upper.to(i64)};
}

void lecture(const LectureOptions& options) {
    const int epochs = options.quick ? 20 : 60;
    manual_seed(options.seed);
    const data::Dataset set = moons(800);
    struct Way {
        const char* name;
        std::int64_t batch_size;
    };
    picture::Chart chart({.title = tr("Half moons: loss per epoch"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("loss"), .log = true}});
    for (const Way way : {Way{"batch (800)", 800}, Way{"mini-batch (32)", 32}, Way{"stochastic (1)", 1}}) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Linear(2, 32), nn::Tanh(), nn::Linear(32, 2));
        optim::SGD optimizer(net.parameters(), {.lr = 0.05});
        const train::History history = train::fit(
            net, nn::CrossEntropyLoss(), optimizer, set,
            {.epochs = epochs, .batch_size = way.batch_size, .seed = options.seed, .verbose = false});
        picture::Values losses;
        double seconds = 0;
        for (const train::EpochRecord& epoch : history.epochs) {
            losses.push_back(epoch.train.loss);
            seconds += epoch.seconds;
        }
        say("%s %4d steps an epoch, loss %.4f -> %.4f, accuracy %.3f, %.2f ms an epoch\n",
            padded(tr(way.name), 16).c_str(),
            static_cast<int>((set.size() + way.batch_size - 1) / way.batch_size), losses.front(),
            losses.back(), history.last().train.accuracy, 1000 * seconds / epochs);
        chart.curve(tr(way.name), losses);
    }
    chart.save(options.picture("l1_3_batch_sizes.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Batch, mini-batch and stochastic gradient descent: loss curves and time.",
                       lecture, {.time = "some seconds", .files = "l1_3_batch_sizes.svg"});
}
