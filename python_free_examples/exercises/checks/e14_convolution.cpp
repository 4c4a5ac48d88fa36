// Checks of exercise 14: an edge that is found, beside conv2d, the gradients.
#include "../exercise.h"

using namespace adjoint;

Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& b);

int main() {
    return run_exercise([](Checks& check) {
        const Tensor image = reshape(tensor({{0, 0, 1, 1}, {0, 0, 1, 1}, {0, 0, 1, 1}}), {1, 1, 3, 4});
        const Tensor edge = reshape(tensor({{-1, 1}, {-1, 1}}), {1, 1, 2, 2});
        check.equal("a filter finds an edge", convolve(image, edge, tensor({0.5})),
                    reshape(tensor({{0.5, 2.5, 0.5}, {0.5, 2.5, 0.5}}), {1, 1, 2, 3}));
        const Tensor x = randn({2, 3, 5, 6}), w = randn({4, 3, 3, 3}), b = randn({4});
        check.equal("beside conv2d", convolve(x, w, b), conv2d(x, w, b), 1e-4);
        check.gradient("the gradients", [](const auto& in) { return convolve(in[0], in[1], in[2]); },
                       {random_variable({1, 2, 4, 4}), random_variable({2, 2, 2, 2}), random_variable({2})});
    });
}
