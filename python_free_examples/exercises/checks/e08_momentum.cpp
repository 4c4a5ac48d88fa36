// Checks of exercise 8: two steps by numbers, then beside the library's own.
#include "../exercise.h"

using namespace adjoint;

void momentum_step(Tensor& w, Tensor& v, const Tensor& g, double rate, double momentum);

int main() {
    return run_exercise([](Checks& check) {
        Tensor w = tensor({1.0, 1.0}), v = zeros({2});
        const Tensor g = tensor({1.0, 2.0});
        momentum_step(w, v, g, 0.5, 0.5);
        check.equal("the first step is plain descent", w, tensor({0.5, 0}));
        momentum_step(w, v, g, 0.5, 0.5);
        check.equal("the second is half as long again", w, tensor({-0.25, -1.5}));
        check.equal("and v is what it went", v, tensor({1.5, 3}));

        const Tensor reference = tensor({3.0, -2.0}, {.requires_grad = true});
        optim::SGD optimizer({reference}, {.lr = 0.02, .momentum = 0.9});
        w = reference.detach().clone();
        v = zeros({2});
        const Tensor steepness = tensor({1.0, 40.0});
        for (int step = 0; step < 60; ++step) {
            optimizer.zero_grad();
            sum(0.5 * steepness * square(reference)).backward();
            optimizer.step();
            momentum_step(w, v, steepness * w, 0.02, 0.9);
        }
        check.equal("60 steps down a valley, beside optim::SGD", w, reference.detach(), 1e-4);
    });
}
