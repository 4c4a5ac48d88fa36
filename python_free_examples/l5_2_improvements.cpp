// Lectures L5.1 and L5.2: a plain MNIST classifier, and what each improvement does for it, one after the
// other. With --device cuda the same table on the GPU.
//
// Plain: 784-50-10, sigmoid, softmax, one-hot targets with binary cross entropy, SGD with rate 0.01, batches
// of 100, five epochs, weights uniform in [0, 1).
#include <adjoint/adjoint.h>

#include <memory>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Step {
    const char* name;
    bool relu = false, batch_norm = false, adam = false, normalised = false;
};

nn::Sequential make_net(const Step& step) {
    const nn::Linear hidden(784, 50), output(50, 10);
    for (const nn::Linear& layer : {hidden, output}) {
        nn::init::uniform_(layer.weight, 0, 1);
        nn::init::zeros_(layer.bias);
    }
    std::vector<nn::Layer> layers{nn::Layer(hidden)};
    if (step.batch_norm) layers.emplace_back(nn::BatchNorm1d(50));
    layers.emplace_back(step.relu ? nn::Layer(nn::ReLU()) : nn::Layer(nn::Sigmoid()));
    layers.emplace_back(output);
    layers.emplace_back(nn::Softmax(1));
    return nn::Sequential(layers);
}

data::Dataset prepared(const data::ImageSet& set, const Step& step, Device device, std::int64_t count) {
    const data::ImageOptions scaling =
        step.normalised ? data::ImageOptions{.mean = 0.1307, .std = 0.3081} : data::ImageOptions{};
    data::Dataset out = data::images(set, scaling).part(0, std::min(count, set.labels.size(0)));
    out.inputs = out.inputs.to(device);
    out.targets = out.targets.to(device);
    return out;
}

void lecture(const LectureOptions& options) {
    const Device device = device_of(options.device);
    const data::Mnist mnist = options.images();
    say("device: %s\n\n", to_string(device).c_str());
    const Step steps[] = {
        {.name = "plain"},
        {.name = "+ ReLU", .relu = true},
        {.name = "+ BatchNorm", .relu = true, .batch_norm = true},
        {.name = "+ Adam", .relu = true, .batch_norm = true, .adam = true},
        {.name = "+ normalised inputs", .relu = true, .batch_norm = true, .adam = true, .normalised = true}};
    // The targets of the slides are one-hot; the data set keeps class numbers, so the loss unfolds them.
    const auto loss = [](const Tensor& p, const Tensor& y) {
        return binary_cross_entropy(p, one_hot(y, 10).to(f32));
    };
    picture::Chart chart({.title = tr("One improvement after the other"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("test accuracy"), .range = picture::Range{0, 1}}});
    say("%-20s test accuracy  seconds per epoch\n", "");
    for (const Step& step : steps) {
        manual_seed(options.seed);
        const nn::Sequential net = make_net(step);
        net.to(device);
        std::unique_ptr<optim::Optimizer> optimizer;
        if (step.adam)
            optimizer = std::make_unique<optim::Adam>(net.parameters(), optim::AdamOptions{.lr = 0.01});
        else
            optimizer = std::make_unique<optim::SGD>(net.parameters(), optim::SGDOptions{.lr = 0.01});
        const int epochs = options.quick ? 1 : 5;
        const train::History history = train::fit(
            net, loss, *optimizer, prepared(mnist.train, step, device, options.quick ? 10000 : 60000),
            {.epochs = epochs,
             .batch_size = 100,
             .validation = prepared(mnist.test, step, device, options.quick ? 2000 : 10000),
             .seed = options.seed,
             .verbose = false});
        picture::Values accuracies;
        double seconds = 0;
        for (const train::EpochRecord& epoch : history.epochs) {
            accuracies.push_back(epoch.validation.accuracy);
            seconds += epoch.seconds / epochs;
        }
        std::printf("%s %13.4f  %17.3f\n", padded(tr(step.name), 20).c_str(), accuracies.back(), seconds);
        std::fflush(stdout);
        chart.curve(tr(step.name), accuracies, {.dashed = step.normalised, .points = true});
    }
    chart.save(options.picture("l5_2_improvements.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "A plain MNIST classifier, improved one step at a time.", lecture,
        {.time = "less than a minute", .files = "l5_2_improvements.svg", .images = true, .device = true});
}
