// Exercise 2, lecture L0.4: the sigmoid neuron's node, which remembers its result and nothing else.
//
// Useful: exp, reciprocal.
#include "../exercise.h"

using namespace adjoint;

Tensor sigmoid_forward(const Tensor& x) { return reciprocal(1 + exp(-x)); }

// The gradient by x of what has the gradient dy by y = sigmoid(x).
Tensor sigmoid_backward(const Tensor& y, const Tensor& dy) { return dy * y * (1 - y); }
