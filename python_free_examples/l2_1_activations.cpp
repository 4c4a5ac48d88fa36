// Lecture L2.1: the activations and their derivatives, drawn, and held against finite differences.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Named {
    const char* name;
    std::function<Tensor(const Tensor&)> f;
};

// The greater of two lines, as a maxout unit with two pieces would learn them.
Tensor maxout(const Tensor& x) { return maximum(0.5 * x + 0.5, -0.3 * x); }

// What a net of one input makes of it beside an input fixed at 0.
Tensor softmax_of_two(const Tensor& x) { return select(softmax(stack({x, zeros_like(x)}, 1), 1), 1, 0); }

void lecture(const LectureOptions& options) {
    const Tensor slope = tensor({0.25}, {.dtype = f64});
    const Named activations[] = {{"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
                                 {"tanh", [](const Tensor& x) { return tanh(x); }},
                                 {"ReLU", [](const Tensor& x) { return relu(x); }},
                                 {"leaky ReLU (0.1)", [](const Tensor& x) { return leaky_relu(x, 0.1); }},
                                 {"PReLU (slope 0.25)", [&](const Tensor& x) { return prelu(x, slope); }},
                                 {"ELU", [](const Tensor& x) { return elu(x, 1.0); }},
                                 {"maxout", maxout},
                                 {"swish", [](const Tensor& x) { return x * sigmoid(x); }},
                                 {"softmax (of x and 0)", softmax_of_two}};
    const Tensor x = linspace(-4, 4, 160, {.dtype = f64, .requires_grad = true});
    // What is drawn has both sides of 0, and of maxout's bend, so that a jump stands upright.
    const Tensor drawn = sort(cat({linspace(-4, 4, 161, {.dtype = f64}) + 1e-9,
                                   tensor<double>({-1e-9, -0.625 - 1e-9, -0.625 + 1e-9}, {3})}))
                             .values.set_requires_grad();
    std::vector<picture::Svg> charts;
    bool all_agree = true;
    for (const Named& activation : activations) {
        const Tensor y = activation.f(drawn);
        const Tensor derivative = grad(sum(y), drawn);
        const auto f = [&](const std::vector<Tensor>& inputs) { return activation.f(inputs[0]); };
        const GradcheckResult check = gradcheck(TensorFunction(f), {x});
        all_agree = all_agree && check.ok;
        say("%s f(-1) = %7.4f  f(1) = %7.4f  gradient check: %s\n", padded(tr(activation.name), 22).c_str(),
            activation.f(tensor({-1.0}, {.dtype = f64})).item(),
            activation.f(tensor({1.0}, {.dtype = f64})).item(),
            check.ok ? tr("agrees") : check.message.c_str());
        const picture::Values at = drawn.detach().to_vector<double>();
        charts.push_back(picture::Chart({.title = tr(activation.name),
                                         .x = {.label = tr("f(x), and dashed f'(x)")},
                                         .width = 280,
                                         .height = 250})
                             .line("", at, y.detach().to_vector<double>())
                             .line("", at, derivative.to_vector<double>(), {.dashed = true})
                             .draw());
    }
    say(all_agree ? "all agree\n" : "NOT all agree\n");
    picture::save_text(options.picture("l2_1_activations.svg"), picture::grid(charts, 2).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Activation functions and their derivatives.", lecture,
                       {.time = "a second", .files = "l2_1_activations.svg", .quick = false, .seed = false});
}
