// Lecture L4.2: penalties on the weights: lasso, ridge and both, weak to strong.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Penalty {
    const char* name;
    double absolute, squared;  // parts of the strength
};

double share_near_zero(const std::vector<double>& weights) {
    double count = 0;
    for (const double w : weights) count += std::abs(w) < 1e-3;
    return count / static_cast<double>(weights.size());
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset training = data::images(mnist.train).part(0, options.quick ? 500 : 2000);
    const data::Dataset test = data::images(mnist.test).part(0, options.quick ? 500 : 10000);
    const Penalty penalties[] = {{"lasso (L1)", 1, 0}, {"ridge (L2)", 0, 1}, {"elastic net", 0.5, 0.5}};
    const std::vector<double> strengths{0, 1e-4, 3e-4, 1e-3, 3e-3};
    picture::Chart chart({.title = tr("Sum of the weights' sizes"),
                          .x = {.label = tr("strength of the penalty"), .log = true},
                          .y = {.label = tr("sum of |w|"), .log = true}});
    std::vector<picture::Svg> histograms;
    say("penalty      strength  sum of |w|  sum of w^2  below 0.001  train     test\n");
    for (const Penalty& penalty : penalties) {
        picture::Values sizes;
        double without = 0;
        for (const double strength : strengths) {
            manual_seed(options.seed);
            const nn::Sequential net(nn::Linear(784, 64), nn::ReLU(), nn::Linear(64, 10));
            const Tensor w = net.parameters()[0];
            const auto loss = [&](const Tensor& output, const Tensor& target) {
                return cross_entropy(output, target) +
                       strength * (penalty.absolute * sum(abs(w)) + penalty.squared * sum(square(w)));
            };
            optim::Adam optimizer(net.parameters(), {.lr = 0.002});
            train::fit(net, loss, optimizer, training,
                       {.epochs = options.quick ? 8 : 30, .seed = options.seed, .verbose = false});
            const Tensor size = sum(abs(w.detach()));
            (strength == 0 ? without : sizes.emplace_back()) = size.item();
            const std::vector<double> weights = w.to_vector<double>();
            std::printf("%s %8g  %10.1f  %10.2f  %10.1f%%  %.4f  %.4f\n",
                        padded(tr(penalty.name), 12).c_str(), strength, size.item(),
                        sum(square(w.detach())).item(), 100 * share_near_zero(weights),
                        train::evaluate(net, nn::CrossEntropyLoss(), training).accuracy,
                        train::evaluate(net, nn::CrossEntropyLoss(), test).accuracy);
            if (strength == 1e-3 || (strength == 0 && histograms.empty()))
                histograms.push_back(
                    picture::Chart({.title = strength == 0
                                                 ? tr("no penalty")
                                                 : tr(penalty.name) + std::string(tr(", strength 0.001")),
                                    .x = {.label = tr("weight"), .range = picture::Range{-0.2, 0.2}},
                                    .width = 280,
                                    .height = 240})
                        .histogram("", weights, 80)
                        .draw());
        }
        chart.line(tr(penalty.name), {strengths.begin() + 1, strengths.end()}, sizes, {.points = true});
        if (&penalty == &penalties[2])  // the same for all
            chart.line(tr("none"), {strengths[1], strengths.back()}, {without, without}, {.dashed = true});
    }
    chart.save(options.picture("l4_2_sizes.svg"));
    picture::save_text(options.picture("l4_2_weights.svg"), picture::grid(histograms, 2).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Lasso, ridge and elastic net: how weights shrink as the penalty grows.", lecture,
        {.time = "less than a minute", .files = "l4_2_sizes.svg, l4_2_weights.svg", .images = true});
}
