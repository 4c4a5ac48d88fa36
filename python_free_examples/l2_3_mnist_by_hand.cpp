// Lecture L2.3: a perceptron of four layers on MNIST, its forward and backward passes written by hand.
//
// 784-100-100-100-10 with sigmoid, tanh, sigmoid, softmax and no biases; weights randn / sqrt(fan_in / 2);
// pixels x / 255 * 0.99 + 0.01; targets 0.01 and 0.99; one sample a step, learning rate 0.01. The slides
// reach 0.097 at the start, 0.80 by 4,000 samples, 0.88 to 0.92 at the end of one epoch. The slides read
// mnist_train.csv and mnist_test.csv, a label and 784 pixels in each row: --data FOLDER takes both forms.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Samples {
    Tensor x;  // (N, 784), 0.01 to 1
    std::vector<std::int64_t> labels;
};

Samples scaled(const Tensor& pixels, const Tensor& labels) {
    return {reshape(pixels, {-1, 784}).to(f32) / 255.0 * 0.99 + 0.01, labels.to_vector<std::int64_t>()};
}

class Net {
  public:
    Net() {
        const std::int64_t sizes[] = {784, 100, 100, 100, 10};
        for (int i = 0; i < 4; ++i) {
            const double fan_in = static_cast<double>(sizes[i]);
            weights_.push_back(randn({sizes[i], sizes[i + 1]}) / std::sqrt(fan_in / 2));
        }
    }

    // The activations of all layers; the last is the output.
    std::vector<Tensor> forward(const Tensor& x) const {
        const Tensor a = sigmoid(matmul(x, weights_[0])), b = tanh(matmul(a, weights_[1])),
                     c = sigmoid(matmul(b, weights_[2]));
        return {x, a, b, c, softmax(matmul(c, weights_[3]), 1)};
    }

    void learn(const Tensor& x, const Tensor& target, double rate) {
        const std::vector<Tensor> layer = forward(x);
        Tensor error = target - layer[4];  // already at the scores: softmax and cross entropy together
        for (std::size_t i = 4; i-- > 0;) {
            const Tensor below = matmul(error, t(weights_[i]));
            weights_[i] += rate * matmul(t(layer[i]), error);
            if (i > 0) error = below * (i == 2 ? 1.0 - square(layer[i]) : layer[i] * (1.0 - layer[i]));
        }
    }

    double accuracy(const Samples& test) const {
        const std::vector<std::int64_t> said = argmax(forward(test.x)[4], 1).to_vector<std::int64_t>();
        std::int64_t right = 0;
        for (std::size_t i = 0; i < said.size(); ++i) right += said[i] == test.labels[i];
        return static_cast<double>(right) / static_cast<double>(said.size());
    }

  private:
    std::vector<Tensor> weights_;
};

void lecture(const LectureOptions& options) {
    const NoGrad guard;
    const data::Mnist mnist = options.images();
    const Samples training = scaled(mnist.train.images, mnist.train.labels),
                  test = scaled(mnist.test.images, mnist.test.labels);
    const std::int64_t count = std::min<std::int64_t>(training.x.size(0), options.quick ? 6000 : 60000);
    manual_seed(options.seed);
    Net net;
    picture::Values seen, accuracies;
    for (std::int64_t i = 0; i <= count; ++i) {
        if (i % 2000 == 0) {
            seen.push_back(static_cast<double>(i));
            accuracies.push_back(net.accuracy(test));
            say("after %5d samples: test accuracy %.4f\n", static_cast<int>(i), accuracies.back());
            std::fflush(stdout);
        }
        if (i == count) break;
        const Tensor target = full({1, 10}, 0.01);
        target(0, training.labels[static_cast<std::size_t>(i)]) = 0.99;
        net.learn(narrow(training.x, 0, i, 1), target, 0.01);
    }
    picture::Chart({.title = tr("One epoch, sample by sample"),
                    .x = {.label = tr("samples seen")},
                    .y = {.label = tr("test accuracy"), .range = picture::Range{0, 1}}})
        .line("", seen, accuracies, {.points = true})
        .save(options.picture("l2_3_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "A perceptron of four layers on MNIST, forward and backward by hand.",
                       lecture, {.time = "some seconds", .files = "l2_3_accuracy.svg", .images = true});
}
