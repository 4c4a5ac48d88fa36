// What train::fit costs beside the same loop written out, eager and with captured steps: epochs of W1
// (bench/mnist) on images of noise, the three taking turns.
//
//     bench/fit [threads] [rounds]
//
// The mark for the ratio is 1.05.
#include <adjoint/adjoint.h>

#include <cstdlib>

#include "report.h"

using namespace adjoint;

namespace {

constexpr std::int64_t batch_size = 64;

struct Learner {
    nn::Sequential model{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                         nn::Linear(64, 10)};
    optim::SGD optimizer{model.parameters(), {.lr = 0.1}};
};

data::Dataset noise() {
    manual_seed(1);
    return {.inputs = randint(0, 256, {60000, 784}).to(u8),
            .targets = randint(0, 10, {60000}),
            .scale = 1.0 / 255,
            .shift = -0.5};
}

template <class Run> double seconds_of(Run run) {
    const double start = bench::seconds();
    run();
    return bench::seconds() - start;
}

}  // namespace

int main(int argc, char** argv) {
    set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
    const data::Dataset set = noise();
    Learner by_hand, by_fit, by_replays;
    data::Loader loader(set, {.batch_size = batch_size, .seed = 1});
    const auto loop = [&] {
        for (const data::Batch& batch : loader) {
            by_hand.optimizer.zero_grad();
            cross_entropy(by_hand.model(batch.x), batch.y).backward();
            by_hand.optimizer.step();
        }
    };
    const auto fit = [&](Learner& learner, train::CaptureMode mode) {
        train::fit(learner.model, nn::CrossEntropyLoss(), learner.optimizer, set,
                   {.batch_size = batch_size, .seed = 1, .verbose = false, .capture = mode});
    };
    const auto eager = [&] { fit(by_fit, train::CaptureMode::off); };
    const auto captured = [&] { fit(by_replays, train::CaptureMode::on); };
    loop();
    eager();
    captured();
    std::vector<double> loops, fits, captures, ratios, captured_ratios;
    for (int round = 0; round < rounds; ++round) {
        loops.push_back(seconds_of(loop));
        fits.push_back(seconds_of(eager));
        captures.push_back(seconds_of(captured));
        ratios.push_back(fits.back() / loops.back());
        captured_ratios.push_back(captures.back() / loops.back());
    }
    bench::report("W1", "loop", num_threads(), bench::median(loops), "s");
    bench::report("W1", "fit", num_threads(), bench::median(fits), "s");
    bench::report("W1", "captured-fit", num_threads(), bench::median(captures), "s");
    bench::report("W1", "fit/loop", num_threads(), bench::median(ratios), "");
    bench::report("W1", "captured-fit/loop", num_threads(), bench::median(captured_ratios), "");
}
