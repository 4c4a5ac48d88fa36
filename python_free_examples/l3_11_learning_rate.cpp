// Lecture L3.11: a learning rate that is too high, one that is too low,
// and one that goes from large to small.
#include <adjoint/adjoint.h>

#include <memory>

#include "lecture.h"

using namespace adjoint;

namespace {

// A spiral of three arms, hard enough for the rate to matter.
data::Dataset spiral(std::int64_t n) {
    const Tensor arm = randint(0, 3, {n}), radius = rand({n});
    const Tensor angle = 4.0 * radius + 2.0944 * arm.to(f32) + 0.15 * randn({n});
    return {.inputs = stack({radius * sin(angle), radius * cos(angle)}, 1) * 3.0, .targets = arm};
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const data::Dataset set = spiral(1500);
    const int epochs = options.quick ? 40 : 120;
    struct Rate {
        const char* name;
        double lr;
        bool scheduled;
    };
    picture::Chart chart({.title = tr("Spiral: loss per epoch"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("loss"), .log = true}});
    for (const Rate& rate : {Rate{"too high, 10", 10, false}, Rate{"too low, 0.003", 0.003, false},
                             Rate{"from 0.5 to 0", 0.5, true}}) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Linear(2, 32), nn::Tanh(), nn::Linear(32, 32), nn::Tanh(),
                                 nn::Linear(32, 3));
        optim::SGD optimizer(net.parameters(), {.lr = rate.lr, .momentum = 0.9});
        std::unique_ptr<optim::Schedule> schedule;
        if (rate.scheduled) schedule = std::make_unique<optim::CosineAnnealingLR>(optimizer, epochs);
        data::Loader loader(set, {.batch_size = 50, .seed = options.seed});
        picture::Values losses;
        for (int epoch = 0; epoch < epochs; ++epoch) {
            double total = 0;
            for (const data::Batch& batch : loader) {
                optimizer.zero_grad();
                const Tensor loss = cross_entropy(net(batch.x), batch.y);
                loss.backward();
                optimizer.step();
                total += loss.item();
            }
            losses.push_back(total / static_cast<double>(loader.size()));
            if (schedule) schedule->step();
        }
        const train::Score score = train::evaluate(net, nn::CrossEntropyLoss(), set);
        say("%s loss %.4f after one epoch, %.4f at the end, accuracy %.3f\n",
            padded(tr(rate.name), 15).c_str(), losses.front(), score.loss, score.accuracy);
        chart.curve(tr(rate.name), losses);
    }
    chart.save(options.picture("l3_11_learning_rate.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Learning rate too high, too low, and scheduled: the three curves.",
                       lecture, {.time = "a second", .files = "l3_11_learning_rate.svg"});
}
