// Checks of exercise 9: the share of zeros, the mean, the gradient.
#include "../exercise.h"

using namespace adjoint;

Tensor my_dropout(const Tensor& x, double p, bool training);

int main() {
    return run_exercise([](Checks& check) {
        const Tensor x = ones({300, 300}).set_requires_grad();
        const auto share = [](const Tensor& which) { return mean(which.to(f64)).item(); };
        const Tensor evaluated = my_dropout(x, 0.2, false);
        check.equal("evaluation leaves all as it is", evaluated.detach(), x.detach());
        const Tensor y = my_dropout(x, 0.2, true);
        check.equal("a fifth is 0", share(eq(y, 0)), 0.2, 0.02);
        check.equal("the others are 1 / 0.8", share(eq(y, 1.25)), 0.8, 0.02);
        check.equal("so that the mean stays", mean(y).item(), 1, 0.02);
        check.equal("the gradient goes where the value went", grad(sum(y), x), y.detach());
        check.holds("each call draws anew", !allclose(my_dropout(x, 0.2, true), y));
    });
}
