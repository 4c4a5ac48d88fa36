// Functions of one variable, applied to every element, and activations.
//
// dtypes: floating tensors keep their type, integers give f32 (abs, sign, square, relu and clamp keep
// integers). Every one has derivatives of any order; relu, abs, clamp and the like use
// the conventions of docs/operators.md.
#pragma once

#include <limits>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

ADJOINT_API Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return neg(x); }
ADJOINT_API Tensor abs(const Tensor& x);
ADJOINT_API Tensor sign(const Tensor& x);
ADJOINT_API Tensor floor(const Tensor& x);
ADJOINT_API Tensor ceil(const Tensor& x);
ADJOINT_API Tensor trunc(const Tensor& x);
ADJOINT_API Tensor round(const Tensor& x);  ///< half to even
ADJOINT_API Tensor exp(const Tensor& x);
ADJOINT_API Tensor expm1(const Tensor& x);
ADJOINT_API Tensor log(const Tensor& x);
ADJOINT_API Tensor log1p(const Tensor& x);
ADJOINT_API Tensor log2(const Tensor& x);
ADJOINT_API Tensor log10(const Tensor& x);
ADJOINT_API Tensor sqrt(const Tensor& x);
ADJOINT_API Tensor rsqrt(const Tensor& x);
ADJOINT_API Tensor square(const Tensor& x);
ADJOINT_API Tensor reciprocal(const Tensor& x);
ADJOINT_API Tensor sin(const Tensor& x);
ADJOINT_API Tensor cos(const Tensor& x);
ADJOINT_API Tensor tan(const Tensor& x);
ADJOINT_API Tensor asin(const Tensor& x);
ADJOINT_API Tensor acos(const Tensor& x);
ADJOINT_API Tensor atan(const Tensor& x);
ADJOINT_API Tensor sinh(const Tensor& x);
ADJOINT_API Tensor cosh(const Tensor& x);
ADJOINT_API Tensor tanh(const Tensor& x);
ADJOINT_API Tensor asinh(const Tensor& x);
ADJOINT_API Tensor acosh(const Tensor& x);
ADJOINT_API Tensor atanh(const Tensor& x);
ADJOINT_API Tensor erf(const Tensor& x);
ADJOINT_API Tensor erfc(const Tensor& x);

ADJOINT_API Tensor isnan(const Tensor& x);  ///< bool
ADJOINT_API Tensor isinf(const Tensor& x);
ADJOINT_API Tensor isfinite(const Tensor& x);

/// Limits to [low, high]; the gradient passes at the bounds.
ADJOINT_API Tensor clamp(const Tensor& x, double low = -std::numeric_limits<double>::infinity(),
                         double high = std::numeric_limits<double>::infinity());

ADJOINT_API Tensor relu(const Tensor& x);
ADJOINT_API Tensor relu6(const Tensor& x);
ADJOINT_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where positive, weight x elsewhere.
/// shapes: one weight, or one per channel (dimension 1).
ADJOINT_API Tensor prelu(const Tensor& x, const Tensor& weight);
ADJOINT_API Tensor elu(const Tensor& x, double alpha = 1.0);
ADJOINT_API Tensor celu(const Tensor& x, double alpha = 1.0);
ADJOINT_API Tensor selu(const Tensor& x);
ADJOINT_API Tensor sigmoid(const Tensor& x);
ADJOINT_API Tensor logsigmoid(const Tensor& x);
ADJOINT_API Tensor silu(const Tensor& x);
ADJOINT_API Tensor softplus(const Tensor& x, double beta = 1.0, double threshold = 20.0);
ADJOINT_API Tensor mish(const Tensor& x);
ADJOINT_API Tensor softsign(const Tensor& x);
ADJOINT_API Tensor hardtanh(const Tensor& x, double low = -1.0, double high = 1.0);
ADJOINT_API Tensor hardsigmoid(const Tensor& x);
ADJOINT_API Tensor hardswish(const Tensor& x);

enum class GeluForm { none, tanh };
/// x times the normal distribution function: by erf, or approximated by tanh.
ADJOINT_API Tensor gelu(const Tensor& x, GeluForm approximate = GeluForm::none);

namespace fn {

/// y = 1 / (1 + exp(-x)): dx = g y (1 - y)
struct ADJOINT_API Sigmoid : Function {
    static constexpr auto name = "sigmoid";
    Saved y;
    Tensor forward(const Tensor& x);
    Grads backward(const Tensor& g);
};

}  // namespace fn
}  // namespace adjoint
