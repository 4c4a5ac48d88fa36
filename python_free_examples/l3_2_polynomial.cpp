// Lecture L3.2: polynomial regression. y = 0.5 x^2 + x + 2 + noise; x and x^2 go into a net of two layers.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

// Trains on standardised features by mean squared error; prints and returns the training loss.
template <class M> double train_on(const data::Dataset& set, const M& model, const LectureOptions& options) {
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    return train::fit(model, nn::MSELoss(), optimizer, set,
                      {.epochs = options.quick ? 150 : 400,
                       .batch_size = 50,
                       .seed = options.seed,
                       .verbose = false})
        .last()
        .train.loss;
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const Tensor x = rand({200}) * 6.0 - 3.0;
    const Tensor y = 0.5 * square(x) + x + 2.0 + randn({200});
    const Tensor features = data::polynomial_features(x, 2);
    const data::Standardizer standard = data::Standardizer::fit(features);
    const data::Dataset set{.inputs = standard.transform(features), .targets = unsqueeze(y, 1)};

    // One linear layer on x and x^2 is the polynomial itself: its weights, undone for the scale, say which.
    const nn::Linear line(2, 1);
    const double line_loss = train_on(set, line, options);
    const std::vector<double> w = line.weight.to_vector<double>(), mean = standard.mean().to_vector<double>(),
                              std = standard.std().to_vector<double>();
    say("linear on x, x^2: y = %.3f x^2 + %.3f x + %.3f, mean squared error %.3f\n", w[1] / std[1],
        w[0] / std[0], line.bias.item() - w[0] * mean[0] / std[0] - w[1] * mean[1] / std[1], line_loss);
    const nn::Sequential net(nn::Linear(2, 16), nn::Tanh(), nn::Linear(16, 1));
    say("net of two layers: mean squared error %.3f (the noise alone: about 1)\n",
        train_on(set, net, options));

    const NoGrad guard;
    const Tensor places = linspace(-3, 3, 121);
    const Tensor inputs = standard.transform(data::polynomial_features(places, 2));
    const Tensor truth = 0.5 * square(places) + places + 2.0;
    const Tensor fitted = squeeze(net(inputs), 1);
    say("net and true curve differ by %.3f in the mean\n", adjoint::mean(abs(fitted - truth)).item());
    const picture::Values at = places.to_vector<double>();
    picture::Chart({.title = tr("y = 0.5 x^2 + x + 2 + noise"), .x = {.label = "x"}, .y = {.label = "y"}})
        .scatter(tr("samples"), x.to_vector<double>(), y.to_vector<double>(), 2.5)
        .line(tr("without the noise"), at, truth.to_vector<double>(), {.dashed = true})
        .line(tr("linear on x, x^2"), at, line(inputs).to_vector<double>())
        .line(tr("net of two layers"), at, fitted.to_vector<double>())
        .save(options.picture("l3_2_polynomial.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Polynomial regression: a parabola from noisy samples.", lecture,
                       {.files = "l3_2_polynomial.svg"});
}
