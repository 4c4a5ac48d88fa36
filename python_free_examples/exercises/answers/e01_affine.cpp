// Exercise 1, lecture L0.5: the affine layer Y = X W + b, forward and backward by hand.
//
// X has a sample in each row: (N, I). W is (I, O) and b (O). Useful: matmul, t (the transpose), sum.
#include "../exercise.h"

using namespace adjoint;

Tensor affine_forward(const Tensor& x, const Tensor& w, const Tensor& b) { return matmul(x, w) + b; }

// The gradients by X, W and b of what has the gradient dy by Y.
Grads affine_backward(const Tensor& x, const Tensor& w, const Tensor& dy) {
    const Tensor dx = matmul(dy, t(w));
    const Tensor dw = matmul(t(x), dy);
    const Tensor db = sum(dy, 0);
    return {dx, dw, db};
}
