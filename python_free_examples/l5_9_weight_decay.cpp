// Lecture L5.9: weight decay as an option of SGD against an explicit L2 penalty in the loss; and what dropout
// does to a layer in training and in evaluation.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr Options f64_numbers{.dtype = DType::f64};

nn::Sequential make_net(std::uint64_t seed) {
    manual_seed(seed);
    nn::Sequential net(nn::Linear(4, 16), nn::Tanh(), nn::Linear(16, 1));
    net.to(f64);
    return net;
}

Tensor squared_weights(const nn::Sequential& net) {
    Tensor total = zeros({}, f64_numbers);
    for (const Tensor& parameter : net.parameters()) total = total + sum(square(parameter));
    return total;
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed + 1);
    const Tensor x = randn({64, 4}, f64_numbers),
                 y = sin(sum(x, 1, true)) + 0.1 * randn({64, 1}, f64_numbers);
    const int steps = options.quick ? 200 : 1000;
    picture::Chart chart({.title = tr("Length of the weights"),
                          .x = {.label = tr("step")},
                          .y = {.label = tr("sum of squares")}});
    for (const double decay : {0.0, 0.01, 0.1}) {
        const nn::Sequential by_option = make_net(options.seed), by_penalty = make_net(options.seed);
        optim::SGD first(by_option.parameters(), {.lr = 0.05, .weight_decay = decay}),
            second(by_penalty.parameters(), {.lr = 0.05});
        picture::Values lengths;
        for (int step = 0; step < steps; ++step) {
            first.zero_grad();
            mse_loss(by_option(x), y).backward();
            first.step();
            second.zero_grad();
            (mse_loss(by_penalty(x), y) + decay / 2 * squared_weights(by_penalty)).backward();
            second.step();
            lengths.push_back(squared_weights(by_option).item());
        }
        double difference = 0;
        for (std::size_t i = 0; i < by_option.parameters().size(); ++i)
            difference =
                std::max(difference, max(abs(by_option.parameters()[i] - by_penalty.parameters()[i])).item());
        say("weight decay %-4g after %d steps: sum of squares %.4f, option and penalty differ by %.1e\n",
            decay, steps, lengths.back(), difference);
        chart.curve(text_of("weight decay %s", picture::label(decay).c_str()), lengths);
    }
    chart.save(options.picture("l5_9_weight_decay.svg"));

    const nn::Dropout dropout(0.5);
    const Tensor ones_in = ones({100000});
    const Tensor out = dropout(ones_in);
    say("dropout 0.5 of ones, training: %.3f are 0, the others %g, mean %.3f\n",
        mean(eq(out, 0).to(f32)).item(), max(out).item(), mean(out).item());
    dropout.eval();
    say("dropout 0.5 of ones, evaluation: unchanged: %s\n",
        equal(dropout(ones_in), ones_in) ? tr("yes") : tr("no"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Weight decay equals an L2 penalty for SGD; dropout in its two modes.",
                       lecture, {.files = "l5_9_weight_decay.svg"});
}
