// Lectures L5.4 and L5.5: what the first weights do to activations and gradients in a deep net.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Start {
    const char* name;
    double std;  // of the weights of a layer of 100 units
    Tensor (*activation)(const Tensor&);
};

double spread(const Tensor& x) { return std::sqrt(mean(square(x - mean(x))).item()); }

void lecture(const LectureOptions& options) {
    const int width = 100, depth = 5;
    const Start starts[] = {{"std 1, sigmoid", 1, sigmoid},
                            {"std 0.01, sigmoid", 0.01, sigmoid},
                            {"Xavier, sigmoid", std::sqrt(1.0 / width), sigmoid},
                            {"Xavier, ReLU", std::sqrt(1.0 / width), relu},
                            {"He, ReLU", std::sqrt(2.0 / width), relu}};
    std::vector<picture::Svg> charts;
    picture::Chart gradients({.title = tr("Gradient of the weights, layer by layer"),
                              .x = {.label = tr("layer")},
                              .y = {.label = tr("norm"), .log = true}});
    for (const Start& start : starts) {
        manual_seed(options.seed);
        Tensor x = randn({1000, width});
        std::vector<Tensor> weights;
        picture::Chart chart(
            {.title = tr(start.name),
             .x = {.label = tr("activation"), .range = picture::Range{0, start.activation == relu ? 3 : 1}},
             .y = {.label = tr("how many"), .log = true, .range = picture::Range{1, 1e5}},
             .width = 280,
             .height = 280,
             .legend_below = true});
        say("%s std of the activations:", padded(tr(start.name), 26).c_str());
        for (int layer = 1; layer <= depth; ++layer) {
            weights.push_back((randn({width, width}) * start.std).set_requires_grad());
            x = start.activation(matmul(x, weights.back()));
            std::printf(" %.4f", spread(x.detach()));
            if (layer % 2 == 1) chart.histogram(text_of("layer %d", layer), x.detach().to_vector<double>());
        }
        charts.push_back(chart.draw());
        const std::vector<Tensor> outputs{mean(square(x))};
        picture::Values norms;
        say("\n%-26s norm of the gradients:  ", "");
        for (const Tensor& g : grad(outputs, weights)) {
            norms.push_back(std::sqrt(sum(square(g)).item()));
            std::printf(" %.1e", norms.back());
        }
        std::printf("\n");
        gradients.curve(tr(start.name), norms, {.points = true});
    }
    picture::save_text(options.picture("l5_5_activations.svg"), picture::grid(charts, 2).str());
    gradients.save(options.picture("l5_4_gradients.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Five ways to begin: activations and gradients of a net of five layers.",
                       lecture, {.files = "l5_4_gradients.svg, l5_5_activations.svg", .quick = false});
}
