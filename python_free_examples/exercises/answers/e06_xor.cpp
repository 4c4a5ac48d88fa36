// Exercise 6, lecture L0.7: a net that learns XOR, with the graph for the gradients.
//
// x (4, 2) and t (4, 1) are the four questions and their answers. w1 (2, 3), b1 (3), w2 (3, 1), b2 (1) are
// what is learnt. Useful: matmul, sigmoid, square, sum, loss.backward(), p.grad(); p.set_grad({}) takes the
// gradient of p away.
#include "../exercise.h"

using namespace adjoint;

// Affine, sigmoid, affine, sigmoid.
Tensor xor_outputs(const Tensor& x, const Tensor& w1, const Tensor& b1, const Tensor& w2, const Tensor& b2) {
    const Tensor hidden = sigmoid(matmul(x, w1) + b1);
    return sigmoid(matmul(hidden, w2) + b2);
}

// 1/2 sum (t - y)^2
Tensor xor_loss(const Tensor& y, const Tensor& t) { return 0.5 * sum(square(t - y)); }

// One step of gradient descent; the gradients of the step before are still there.
void xor_step(const Tensor& loss, std::vector<Tensor>& parameters, double rate) {
    for (Tensor& p : parameters) p.set_grad({});
    loss.backward();
    const NoGrad guard;
    for (Tensor& p : parameters) p -= rate * p.grad();
}
