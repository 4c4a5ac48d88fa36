// Checks of exercise 10: beside the library's layer in both modes, and the gradients.
#include "../exercise.h"

using namespace adjoint;

Tensor norm_in_training(const Tensor& x, const Tensor& scale, const Tensor& shift, Tensor& running_mean,
                        Tensor& running_variance, double momentum);
Tensor norm_in_evaluation(const Tensor& x, const Tensor& scale, const Tensor& shift,
                          const Tensor& running_mean, const Tensor& running_variance);

int main() {
    return run_exercise([](Checks& check) {
        const nn::BatchNorm1d layer(3);
        nn::init::uniform_(layer.weight, 0.5, 2);
        nn::init::uniform_(layer.bias, -1, 1);
        const Tensor scale = layer.weight.detach(), shift = layer.bias.detach();
        Tensor running_mean = zeros({3}), running_variance = ones({3});
        for (int batch = 0; batch < 3; ++batch) {
            const Tensor x = randn({6, 3}) * 3 + 5;
            const Tensor y = norm_in_training(x, scale, shift, running_mean, running_variance, 0.1);
            check.equal("in training, beside nn::BatchNorm1d", y, layer(x).detach(), 1e-4);
        }
        check.equal("the running mean", running_mean, layer.running_mean, 1e-4);
        check.equal("the running variance", running_variance, layer.running_var, 1e-4);
        layer.eval();
        const Tensor x = randn({4, 3});
        check.equal("in evaluation", norm_in_evaluation(x, scale, shift, running_mean, running_variance),
                    layer(x).detach(), 1e-4);
        check.gradient("gradients by x, scale and shift",
                       [](const auto& in) {
                           Tensor m = zeros({3}, f64), v = ones({3}, f64);
                           return norm_in_training(in[0], in[1], in[2], m, v, 0.1);
                       },
                       {random_variable({5, 3}), random_variable({3}), random_variable({3})});
    });
}
