// Lectures L1.1 and L1.2: a net of any number of layers, described by their sizes
// and activations, learns XOR.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

using Activation = Tensor (*)(const Tensor&);

struct Plan {
    const char* name;
    std::vector<std::int64_t> sizes;
    std::vector<Activation> activations;
};

nn::Sequential make_net(const Plan& plan) {
    std::vector<nn::Layer> layers;
    for (std::size_t i = 0; i + 1 < plan.sizes.size(); ++i) {
        const nn::Linear layer(plan.sizes[i], plan.sizes[i + 1]);
        nn::init::uniform_(layer.weight, -1, 1);
        nn::init::uniform_(layer.bias, -1, 1);
        layers.emplace_back(layer);
        layers.emplace_back(plan.activations[i]);
    }
    return nn::Sequential(layers);
}

void lecture(const LectureOptions& options) {
    const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = unsqueeze(tensor({0, 1, 1, 0}), 1);
    const int epochs = 5000;
    const Plan plans[] = {{"2-4-2-1 sigmoid", {2, 4, 2, 1}, {sigmoid, sigmoid, sigmoid}},
                          {"2-4-1 sigmoid", {2, 4, 1}, {sigmoid, sigmoid}},
                          {"2-4-2-1 tanh first", {2, 4, 2, 1}, {tanh, sigmoid, sigmoid}},
                          {"2-4-1 tanh first", {2, 4, 1}, {tanh, sigmoid}}};
    picture::Chart costs({.title = "XOR: cost per epoch", .x = {.label = "epoch"}, .y = {.label = "cost"}});
    std::vector<picture::Svg> regions;
    for (const Plan& plan : plans) {
        manual_seed(options.seed);
        const nn::Sequential net = make_net(plan);
        optim::SGD optimizer(net.parameters(), {.lr = 1});
        picture::Values curve;
        for (int epoch = 0; epoch < epochs; ++epoch) {
            optimizer.zero_grad();
            const Tensor cost = 0.5 * sum(square(net(x) - y));
            curve.push_back(cost.item());
            cost.backward();
            optimizer.step();
        }
        const NoGrad guard;
        std::printf("%-20s cost %.4f -> %.4f, outputs", plan.name, curve.front(), curve.back());
        for (const double v : net(x).to_vector<double>()) std::printf(" %.3f", v);
        std::printf("\n");
        costs.curve(plan.name, curve);
        const picture::Axis axis{.range = picture::Range{-0.5, 1.5}};
        regions.push_back(
            picture::Chart({.title = plan.name, .x = axis, .y = axis, .width = 420, .height = 350})
                .regions([&](const Tensor& points) { return net(points); })
                .scatter("0", {0, 1}, {0, 1}, 6)
                .scatter("1", {0, 1}, {1, 0}, 6)
                .draw());
    }
    costs.save(options.picture("l1_1_costs.svg"));
    picture::save_text(options.picture("l1_1_regions.svg"), picture::grid(regions, 2).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Nets of several depths and activations learn XOR: costs and decision regions.", lecture);
}
