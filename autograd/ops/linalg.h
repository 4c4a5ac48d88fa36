// Matrix products.
#pragma once

#include <adjoint/autograd/record/function.h>
#include <adjoint/core/contract/epilogue.h>

namespace adjoint {

namespace fn {

/// Y = X W + b, the lectures' layer: dX = dY W^T, dW = X^T dY, db = sum of dY over the batch.
/// shapes: X (N, I), or (I) for one sample, W (I, O), b (O) or undefined.
struct ADJOINT_API Affine : Function {
    static constexpr auto name = "affine";
    Saved x, w;
    Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b);
    Grads backward(const Tensor& g);
};

/// Y = X W^T + b, PyTorch's layer: dX = dY W, dW = dY^T X.
/// shapes: X (N, I), W (O, I), b (O) or undefined.
struct ADJOINT_API Linear : Function {
    static constexpr auto name = "linear";
    Saved x, w;
    Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b);
    Grads backward(const Tensor& g);
};

/// Y = f(Z), Z = X W^T + b, in one pass: with dZ = dY f'(Z) the gradients of Linear for dZ.
/// shapes: X (N, I), W (O, I), b (O) or undefined.
struct ADJOINT_API ActivatedLinear : Linear {
    const char* called;
    Activation activation;
    Saved b, y;
    Tensor z;
    explicit ActivatedLinear(Activation f);
    template <class V> void attributes(V& v) const { v("activation", called + sizeof("linear")); }
    Tensor forward(const Tensor& x, const Tensor& w, const Tensor& b);
    Grads backward(const Tensor& g);
};

}  // namespace fn

/// Product of vectors, matrices or batches of matrices, as in PyTorch.
/// shapes: (n) (n) -> (); (m, k) (k, n) -> (m, n); a vector is a row on the left, a column on the right;
/// leading dimensions broadcast.
/// dtypes: the common type, floating or integer.
/// errors: ShapeError where inner sizes differ.
ADJOINT_API Tensor matmul(const Tensor& a, const Tensor& b);
/// (b, m, k) (b, k, n) -> (b, m, n), without broadcasting.
ADJOINT_API Tensor bmm(const Tensor& a, const Tensor& b);
/// Sum of products of two vectors.
ADJOINT_API Tensor dot(const Tensor& a, const Tensor& b);
/// All products of two vectors.
ADJOINT_API Tensor outer(const Tensor& a, const Tensor& b);
/// beta c + alpha a b
ADJOINT_API Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, double beta = 1,
                         double alpha = 1);
/// x w + b.
/// shapes: (N, I) or (I), (I, O), (O) or undefined.
ADJOINT_API Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b = {});
/// What a product does with its result in the same pass: linear(x, w, b, {.then = Activation::relu}) has the
/// bits of relu(linear(x, w, b)).
struct EpilogueOptions {
    Activation then = Activation::none;
};
/// x w^T + b.
/// shapes: (.., I), (O, I), (O) or undefined.
ADJOINT_API Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {},
                          const EpilogueOptions& options = {});

}  // namespace adjoint
