// Exercise 8, lecture L3.10: gradient descent with momentum.
//
// v = momentum v + g, then w = w - rate v. Both are changed in place: v *= .., v += .., w -= ..
#include "../exercise.h"

using namespace adjoint;

void momentum_step(Tensor& w, Tensor& v, const Tensor& g, double rate, double momentum) {
    v *= momentum;
    v += g;
    w -= rate * v;
}
