// Lecture L5.6: pre-training. An autoencoder learns from images without labels; its encoder becomes the first
// part of a classifier, which is then fine-tuned on few labels.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

nn::Sequential make_encoder() {
    return nn::Sequential(nn::Linear(784, 256), nn::ReLU(), nn::Linear(256, 128), nn::ReLU());
}

// To give back the images, through 128 numbers; in training with half of the pixels blotted out, which keeps
// the units from copying.
struct Autoencoder : nn::Module {
    const nn::Sequential encoder = child("encoder", make_encoder());
    const nn::Sequential decoder =
        child("decoder", nn::Sequential(nn::Linear(128, 256), nn::ReLU(), nn::Linear(256, 784)));

    const nn::Dropout blot = child("blot", nn::Dropout(0.5));

    Tensor operator()(const Tensor& x) const { return decoder(encoder(blot(x))); }
};

// The last layer learns first, so that its first errors do not spoil the encoder; then all of it.
double classify(const nn::Sequential& encoder, const data::Dataset& few, const data::Dataset& test,
                const LectureOptions& options) {
    const nn::Linear last(128, 10);
    const nn::Sequential net(encoder, last);
    const train::FitOptions fit{
        .epochs = options.quick ? 5 : 40, .batch_size = 20, .seed = options.seed, .verbose = false};
    optim::Adam first(last.parameters()), second(net.parameters());
    train::fit(net, nn::CrossEntropyLoss(), first, few, fit);
    train::fit(net, nn::CrossEntropyLoss(), second, few, fit);
    return train::evaluate(net, nn::CrossEntropyLoss(), test).accuracy;
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset training = data::images(mnist.train), test = data::images(mnist.test);
    const data::Dataset unlabelled = training.part(0, options.quick ? 2000 : 60000);

    manual_seed(options.seed);
    const Autoencoder model;
    optim::Adam optimizer(model.parameters());
    train_autoencoder(model, optimizer, unlabelled, options.quick ? 2 : 15, options.seed);
    model.eval();
    {
        const NoGrad guard;
        const Tensor before = flatten(narrow(mnist.test.images, 0, 0, 10), 1).to(f32) / 255.0;
        const Tensor after = sigmoid(model(before));
        say("reconstruction of ten test images: root mean squared error %.3f\n",
            std::sqrt(mse_loss(after, before).item()));
        const Tensor pixels = round(reshape(cat({before, after}), {20, 28, 28}) * 255.0).to(u8);
        picture::save_text(
            options.picture("l5_6_reconstruction.svg"),
            picture::image_sheet(
                pixels,
                {.title = tr("Test images, and what 128 numbers keep of them"), .columns = 10, .size = 56})
                .str());
    }

    picture::Values labels, without, with;
    for (const std::int64_t count : {100, 300, 1000}) {
        const data::Dataset few = training.part(0, count);
        manual_seed(options.seed + 1);
        without.push_back(classify(make_encoder(), few, test, options));
        manual_seed(options.seed + 1);
        with.push_back(classify(nn::clone(model).encoder, few, test, options));
        labels.push_back(static_cast<double>(count));
        say("%4d labels: test accuracy %.4f without pre-training, %.4f with\n", static_cast<int>(count),
            without.back(), with.back());
        std::fflush(stdout);
    }
    picture::Chart({.title = tr("Few labels"),
                    .x = {.label = tr("labels"), .log = true},
                    .y = {.label = tr("test accuracy")}})
        .line(tr("without pre-training"), labels, without, {.points = true})
        .line(tr("with pre-training"), labels, with, {.points = true})
        .save(options.picture("l5_6_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "An autoencoder's weights as the beginning of a classifier with few labels.", lecture,
        {.time = "some minutes", .files = "l5_6_accuracy.svg, l5_6_reconstruction.svg", .images = true});
}
