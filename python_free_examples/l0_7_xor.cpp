// Lecture L0.7: XOR with Affine(2,3)-Sigmoid-Affine(3,1)-Sigmoid-MSE,
// nodes driven by hand, over several seeds.
//
// Weights uniform in [0, 1), biases 0, learning rate 0.1, 20,000 epochs on the full batch of four. With the
// slides' gradient (divided by the batch) it leaves the plateau where every output is 0.5 late, at some seeds
// only after half of the epochs.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Result {
    picture::Values losses;  // of every epoch, from the first weights on
    std::vector<double> outputs;
};

Result train_net(std::uint64_t seed, int epochs) {
    manual_seed(seed);
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), t = unsqueeze(tensor({0, 1, 1, 0}), 1);
    Tensor w1 = rand({2, 3}), b1 = zeros({3}), w2 = rand({3, 1}), b2 = zeros({1});
    Result result;
    for (int epoch = 0; epoch <= epochs; ++epoch) {
        fn::Affine affine1, affine2;
        fn::Sigmoid sigmoid1, sigmoid2;
        fn::MSE mse;
        const Tensor y =
            sigmoid2.forward(affine2.forward(sigmoid1.forward(affine1.forward(x, w1, b1)), w2, b2));
        result.losses.push_back(mse.forward(y, t).item());
        if (epoch == epochs) result.outputs = y.to_vector<double>();
        const Grads second = affine2.backward(sigmoid2.backward(mse.backward(1.0)[0])[0]);
        const Grads first = affine1.backward(sigmoid1.backward(second[0])[0]);
        w1 -= 0.1 * first[1];
        b1 -= 0.1 * first[2];
        w2 -= 0.1 * second[1];
        b2 -= 0.1 * second[2];
    }
    return result;
}

void lecture(const LectureOptions& options) {
    const int epochs = options.quick ? 500 : 20000;
    std::printf("loss at six moments of %d epochs, then the outputs for 00 01 10 11 (wanted 0 1 1 0)\n",
                epochs);
    picture::Chart chart({.title = "XOR from five first weights",
                          .x = {.label = "epoch"},
                          .y = {.label = "loss, 1/2 sum (t - y)^2"}});
    for (std::uint64_t seed = options.seed; seed < options.seed + 5; ++seed) {
        const Result result = train_net(seed, epochs);
        std::printf("seed %d: loss", static_cast<int>(seed));
        for (std::size_t i = 0; i <= 5; ++i)
            std::printf(" %.4f", result.losses[static_cast<std::size_t>(epochs) / 5 * i]);
        std::printf("  outputs");
        for (const double y : result.outputs) std::printf(" %.3f", y);
        std::printf("\n");
        chart.curve("seed " + std::to_string(seed), result.losses);
    }
    chart.save(options.picture("l0_7_xor.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "XOR by nodes that are driven by hand, from several seeds.", lecture);
}
