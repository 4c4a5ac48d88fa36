// Checks of exercise 5: the place of the minimum and its value, first and second derivatives.
#include "../exercise.h"

using namespace adjoint;

Tensor my_swish(const Tensor& x);

int main() {
    return run_exercise([](Checks& check) {
        const Tensor at = tensor({-1.27846454}, {.dtype = f64, .requires_grad = true});
        check.equal("the minimum is -0.278", my_swish(at), tensor({-0.27846454}));
        check.equal("and lies at -1.28, where the slope is 0", grad(my_swish(at), at), tensor({0}));
        const auto f = [](const std::vector<Tensor>& in) { return my_swish(in[0]); };
        check.gradient("the gradient agrees with finite differences", f, {random_variable({3, 2})});
        const GradcheckResult second = gradgradcheck(f, {random_variable({3, 2})});
        check.holds("and so does the second derivative", second.ok, second.message);
    });
}
