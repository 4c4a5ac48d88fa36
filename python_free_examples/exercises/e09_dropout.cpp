// Exercise 9, lecture L1.4: dropout. In training each element is 0 with probability p, and the others are
// divided by 1 - p, so that the mean stays; in evaluation nothing happens.
//
// Useful: rand(x.shape()), even numbers in [0, 1); rand(..) >= p is true or false, .to(x.dtype()) 1 or 0.
#include "exercise.h"

using namespace adjoint;

Tensor my_dropout(const Tensor& x, double p, bool training) {
    if (!training) return blank("what evaluation gives");
    const Tensor kept = blank("1 where an element stays, 0 where it is dropped");
    return blank("what is left, of the same mean");
}
