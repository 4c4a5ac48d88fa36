// Checks of exercise 12: the slides' coefficients of order 1 and 3, and what a penalty does.
#include "../exercise.h"

using namespace adjoint;

Tensor powers_of(const Tensor& x, int order);
Tensor ridge(const Tensor& x, const Tensor& y, double lambda);

int main() {
    return run_exercise([](Checks& check) {
        check.equal("1, x, x^2 of 2 and 3", powers_of(tensor({2.0, 3.0}), 2), tensor({{1, 2, 4}, {1, 3, 9}}));
        const Tensor y = tensor<double>({.349486, .830839, 1.007332, .971507, .133066, .166823, -.848307,
                                         -.445686, -.563567, .261502},
                                        {10}),
                     x = arange(0, 10, 1, f64) / 9;
        check.equal("order 1: 0.82 -1.27", ridge(powers_of(x, 1), y, 0), tensor({0.82, -1.27}), 0.005);
        check.equal("order 3: 0.31 7.99 -25.43 17.37", ridge(powers_of(x, 3), y, 0),
                    tensor({0.31, 7.99, -25.43, 17.37}), 0.005);
        const Tensor features = powers_of(x, 9), w = ridge(features, y, 0.01);
        const Tensor slope = matmul(t(features), matmul(features, w) - y) + 0.01 * w;
        check.equal("with a penalty the whole loss has slope 0", slope, zeros({10}, f64), 1e-8);
        check.holds("more of it makes smaller weights", norm(ridge(features, y, 1)).item() < norm(w).item());
    });
}
