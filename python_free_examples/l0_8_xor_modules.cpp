// Lecture L0.8: the XOR net of L0.7 with modules, nn::MSELoss, an optimizer, and a loader over a data set
// that is a class of one's own.
//
// The gradient of nn::MSELoss, 2 (y - t) / 4, is twice that of L0.7: at half of the rate the two follow one
// curve, digit for digit. At the slides' rate it is passed twice as fast.
#include <adjoint/adjoint.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lecture.h"

using namespace adjoint;

namespace {

// What a data set has to say: how many samples there are, and which those of some numbers are.
struct XorSet : data::Source {
    static constexpr int inputs[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};

    std::int64_t size() const override { return 4; }
    std::pair<Tensor, Tensor> item(std::int64_t i) const {
        const auto [a, b] = inputs[i];
        return {tensor<float>({float(a), float(b)}, {2}), tensor<float>({float(a != b)}, {1})};
    }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        std::vector<Tensor> x, y;
        for (const std::int64_t i : samples) {
            const auto [input, target] = item(i);
            x.push_back(input);
            y.push_back(target);
        }
        return {stack(x), stack(y)};
    }
};

// Weights uniform in [0, 1), drawn as L0.7 draws them, and biases 0.
void weight_init(const nn::Module& layer) {
    if (layer.kind() != "Linear") return;
    const NoGrad guard;
    for (const auto& [name, parameter] : layer.named_parameters())
        if (name == "weight")
            parameter.copy_(t(rand({parameter.size(1), parameter.size(0)})));
        else
            parameter.zero_();
}

struct Result {
    nn::Sequential net;
    std::vector<double> losses;
};

Result train_net(std::uint64_t seed, double lr, int epochs) {
    manual_seed(seed);
    const nn::Sequential net(nn::Linear(2, 3), nn::Sigmoid(), nn::Linear(3, 1), nn::Sigmoid());
    manual_seed(seed);  // the layers have drawn weights of their own
    net.apply(weight_init);
    const nn::MSELoss criterion;
    optim::SGD optimizer(net.parameters(), {.lr = lr});
    data::Loader loader(XorSet(), {.batch_size = 4, .shuffle = false});
    std::vector<double> losses;
    for (int epoch = 0; epoch <= epochs; ++epoch)
        for (const auto& [x, y] : loader) {
            optimizer.zero_grad();
            const Tensor loss = criterion(net(x), y);
            losses.push_back(loss.item());
            loss.backward();
            if (epoch < epochs) optimizer.step();
        }
    return {net, losses};
}

void print_answers(const nn::Sequential& net) {
    const NoGrad guard;
    const XorSet set;
    for (std::int64_t i = 0; i < set.size(); ++i) {
        const auto [input, target] = set.item(i);
        const std::vector<double> x = input.to_vector<double>();
        say("input %g %g  target %g  output %.3f\n", x[0], x[1], target.item(), net(input).item());
    }
}

void lecture(const LectureOptions& options) {
    const int epochs = options.quick ? 500 : 20000;
    for (std::uint64_t seed = options.seed; seed < options.seed + 5; ++seed) {
        const Result result = train_net(seed, 0.05, epochs);
        say("seed %d: loss", static_cast<int>(seed));
        for (std::size_t i = 0; i <= 5; ++i)  // 1/2 sum e^2, as L0.7 has it, of 1/4 sum e^2
            std::printf(" %.4f", 2 * result.losses[static_cast<std::size_t>(epochs) / 5 * i]);
        say("  outputs");
        for (std::int64_t i = 0; i < 4; ++i) std::printf(" %.3f", result.net(XorSet().item(i).first).item());
        std::printf("\n");
    }
    const Result slides = train_net(options.seed, 0.1, epochs);
    say("\nat the slides' rate, 0.1: loss %.4f -> %.4f\n", slides.losses.front(), slides.losses.back());
    print_answers(slides.net);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "XOR by modules, an optimizer and a loader: the curve of l0_7.", lecture,
                       {.time = "a second"});
}
