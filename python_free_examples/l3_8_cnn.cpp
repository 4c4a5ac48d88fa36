// Lectures L3.8 and L5.10: a convolutional net as a class of one's own, trained by an explicit loop: loss,
// gradients, apply. With --device cuda it is the same program. Beyond the slides there are dropout, images a
// little moved, and a rate that falls along a cosine.
#include <adjoint/adjoint.h>

#include <chrono>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Net : nn::Module {
    const nn::Conv2d conv = child("conv", nn::Conv2d(1, 32, 3));
    const nn::Flatten flatten;
    const nn::Dropout dropout = child("dropout", nn::Dropout(0.5));
    const nn::Linear dense = child("dense", nn::Linear(26 * 26 * 32, 128));
    const nn::Linear output = child("output", nn::Linear(128, 10));

    Tensor operator()(const Tensor& x) const { return output(relu(dense(dropout(flatten(relu(conv(x))))))); }
};

void lecture(const LectureOptions& options) {
    const Device device = device_of(options.device);
    const data::Mnist mnist = options.images();
    say("device: %s\n", to_string(device).c_str());
    const data::ImageOptions as_images{.mean = 0.1307, .std = 0.3081, .sample_shape = {1, 28, 28}};
    data::Dataset training = data::images(mnist.train, as_images), test = data::images(mnist.test, as_images);
    if (options.quick) training = training.part(0, 2000), test = test.part(0, 1000);
    for (data::Dataset* part : {&training, &test})
        *part = {part->inputs.to(device), part->targets.to(device), part->scale, part->shift,
                 part->sample_shape};

    say("beyond the slides: dropout 0.5, images a little moved, the rate falls to 0 along a cosine\n");
    manual_seed(options.seed);
    const Net net;
    net.to(device);
    std::printf("%s", tr_table(train::summary(net)).c_str());
    const int epochs = options.quick ? 1 : 8;
    const std::vector<Tensor> parameters = net.parameters();
    optim::Adam optimizer(parameters);
    optim::CosineAnnealingLR schedule(optimizer, epochs);
    data::Loader loader(training, {.batch_size = 64, .seed = options.seed});
    // Each image a little turned, moved and scaled, so that the net does not learn pixels by heart.
    const train::Transform moved = train::random_affine({.degrees = {-10, 10},
                                                         .right = {-2, 2},
                                                         .down = {-2, 2},
                                                         .scale = {0.9, 1.1},
                                                         .fill = -as_images.mean / as_images.std});
    picture::Values accuracies;
    for (int epoch = 1; epoch <= epochs; ++epoch) {
        const auto start = std::chrono::steady_clock::now();
        double last = 0;
        for (const data::Batch& batch : loader) {
            const std::vector<Tensor> loss{cross_entropy(net(moved(batch).x), batch.y)};
            const std::vector<Tensor> gradients = grad(loss, parameters);
            for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].set_grad(gradients[i]);
            optimizer.step();
            if (loader.state().next_batch == loader.size()) last = loss[0].item();
        }
        schedule.step();
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        accuracies.push_back(train::evaluate(net, nn::CrossEntropyLoss(), test).accuracy);
        say("epoch %d: last loss %.4f, test accuracy %.4f, %.1f s\n", epoch, last, accuracies.back(),
            seconds);
        std::fflush(stdout);
    }
    picture::Chart({.title = tr("One convolution, 128 units"),
                    .x = {.label = tr("epoch")},
                    .y = {.label = tr("test accuracy")}})
        .curve("", accuracies, {.points = true})
        .save(options.picture("l3_8_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "A convolutional net on MNIST: loss, gradients, apply, step by step.", lecture,
        {.time = "about 15 minutes", .files = "l3_8_accuracy.svg", .images = true, .device = true});
}
