// Lecture L5.8: batch normalisation as in the paper, by its formulas and as a layer; learning with and
// without it, from good and from bad first weights.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

// Mean and variance of the batch, normalise, scale, shift.
Tensor by_formula(const Tensor& x, const Tensor& gamma, const Tensor& beta) {
    const Tensor m = mean(x, 0), variance = mean(square(x - m), 0);
    return (x - m) / sqrt(variance + 1e-5) * gamma + beta;
}

void compare() {
    const Tensor x = (randn({64, 8}) * 3.0 + 5.0).set_requires_grad(), weight = randn({64, 8});
    const nn::BatchNorm1d layer(8);
    nn::init::uniform_(layer.weight, 0.5, 2);
    nn::init::uniform_(layer.bias, -1, 1);
    const Tensor y = layer(x), formula = by_formula(x, layer.weight, layer.bias);
    say("layer against formula: outputs differ by %.1e, gradients by %.1e\n", max(abs(y - formula)).item(),
        max(abs(grad(sum(y * weight), x) - grad(sum(formula * weight), x))).item());
    say("output of the layer before scale and shift: mean %.4f, variance %.4f\n",
        mean((y - layer.bias) / layer.weight).item(), mean(square((y - layer.bias) / layer.weight)).item());
}

nn::Sequential make_net(bool batch_norm, double std) {
    std::vector<nn::Layer> layers;
    const std::int64_t sizes[] = {784, 100, 100, 100};
    for (std::size_t i = 0; i < 3; ++i) {
        const nn::Linear layer(sizes[i], sizes[i + 1]);
        nn::init::normal_(layer.weight, 0, std);
        layers.emplace_back(layer);
        if (batch_norm) layers.emplace_back(nn::BatchNorm1d(sizes[i + 1]));
        layers.emplace_back(nn::ReLU());
    }
    layers.emplace_back(nn::Linear(100, 10));
    return nn::Sequential(layers);
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    compare();
    const data::Mnist mnist = options.images();
    const data::Dataset training = data::images(mnist.train).part(0, options.quick ? 2000 : 20000),
                        test = data::images(mnist.test).part(0, options.quick ? 1000 : 10000);
    std::vector<picture::Svg> charts;
    for (const double std : {0.3, 0.05, 0.01}) {
        picture::Chart chart({.title = text_of("Weights of deviation %s", picture::label(std).c_str()),
                              .x = {.label = tr("epoch")},
                              .y = {.label = tr("test accuracy"), .range = picture::Range{0, 1}},
                              .width = 280,
                              .height = 280,
                              .legend_below = true});
        for (const bool batch_norm : {false, true}) {
            manual_seed(options.seed);
            const nn::Sequential net = make_net(batch_norm, std);
            optim::SGD optimizer(net.parameters(), {.lr = 0.05});
            const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                                      {.epochs = options.quick ? 4 : 10,
                                                       .batch_size = 100,
                                                       .validation = test,
                                                       .seed = options.seed,
                                                       .verbose = false});
            picture::Values accuracies;
            for (const train::EpochRecord& epoch : history.epochs)
                accuracies.push_back(epoch.validation.accuracy);
            const char* name = batch_norm ? "with BatchNorm" : "without";
            say("first weights of deviation %-5g %s accuracy %.4f after one epoch, %.4f at the end\n", std,
                padded(tr(name), 15).c_str(), accuracies.front(), accuracies.back());
            std::fflush(stdout);
            chart.curve(tr(name), accuracies, {.points = true});
        }
        charts.push_back(chart.draw());
    }
    picture::save_text(options.picture("l5_8_batch_norm.svg"), picture::grid(charts, 2).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Batch normalisation: its formulas, its speed, and what first weights matter.", lecture,
        {.time = "less than a minute", .files = "l5_8_batch_norm.svg", .images = true});
}
