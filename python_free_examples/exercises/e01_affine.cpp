// Exercise 1, lecture L0.5: the affine layer Y = X W + b, forward and backward by hand.
//
// X has a sample in each row: (N, I). W is (I, O) and b (O). Useful: matmul, t (the transpose), sum.
#include "exercise.h"

using namespace adjoint;

Tensor affine_forward(const Tensor& x, const Tensor& w, const Tensor& b) { return blank("Y = X W + b"); }

// The gradients by X, W and b of what has the gradient dy by Y.
Grads affine_backward(const Tensor& x, const Tensor& w, const Tensor& dy) {
    const Tensor dx = blank("the gradient by X");
    const Tensor dw = blank("the gradient by W");
    const Tensor db = blank("the gradient by b");
    return {dx, dw, db};
}
