// Functions of one variable, applied to every element, and activations.
//
// dtypes: floating tensors keep their type, integers give f32 (abs, sign, square, relu and clamp keep
// integers). Every one has derivatives of any order; relu, abs, clamp and the like use
// the conventions of docs/operators.md.
#pragma once

#include <limits>

#include <adjoint/autograd/record/function.h>

namespace adjoint {

ADJOINT_API Tensor neg(const Tensor& x);  ///< -x
inline Tensor operator-(const Tensor& x) { return neg(x); }
ADJOINT_API Tensor abs(const Tensor& x);         ///< |x|
ADJOINT_API Tensor sign(const Tensor& x);        ///< -1, 0 or 1
ADJOINT_API Tensor floor(const Tensor& x);       ///< the largest integer up to x
ADJOINT_API Tensor ceil(const Tensor& x);        ///< the smallest integer from x
ADJOINT_API Tensor trunc(const Tensor& x);       ///< the integer part
ADJOINT_API Tensor round(const Tensor& x);       ///< half to even
ADJOINT_API Tensor exp(const Tensor& x);         ///< e^x
ADJOINT_API Tensor expm1(const Tensor& x);       ///< e^x - 1, exact near 0
ADJOINT_API Tensor log(const Tensor& x);         ///< natural logarithm
ADJOINT_API Tensor log1p(const Tensor& x);       ///< log(1 + x), exact near 0
ADJOINT_API Tensor log2(const Tensor& x);        ///< logarithm to base 2
ADJOINT_API Tensor log10(const Tensor& x);       ///< logarithm to base 10
ADJOINT_API Tensor sqrt(const Tensor& x);        ///< square root
ADJOINT_API Tensor rsqrt(const Tensor& x);       ///< 1 / sqrt(x)
ADJOINT_API Tensor square(const Tensor& x);      ///< x x
ADJOINT_API Tensor reciprocal(const Tensor& x);  ///< 1 / x
ADJOINT_API Tensor sin(const Tensor& x);         ///< sine, as all angles in radians
ADJOINT_API Tensor cos(const Tensor& x);         ///< cosine
ADJOINT_API Tensor tan(const Tensor& x);         ///< tangent
ADJOINT_API Tensor asin(const Tensor& x);        ///< inverse sine
ADJOINT_API Tensor acos(const Tensor& x);        ///< inverse cosine
ADJOINT_API Tensor atan(const Tensor& x);        ///< inverse tangent
ADJOINT_API Tensor sinh(const Tensor& x);        ///< hyperbolic sine
ADJOINT_API Tensor cosh(const Tensor& x);        ///< hyperbolic cosine
ADJOINT_API Tensor tanh(const Tensor& x);        ///< hyperbolic tangent
ADJOINT_API Tensor asinh(const Tensor& x);       ///< inverse hyperbolic sine
ADJOINT_API Tensor acosh(const Tensor& x);       ///< inverse hyperbolic cosine
ADJOINT_API Tensor atanh(const Tensor& x);       ///< inverse hyperbolic tangent
ADJOINT_API Tensor erf(const Tensor& x);         ///< 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x
ADJOINT_API Tensor erfc(const Tensor& x);        ///< 1 - erf(x), exact for large x

ADJOINT_API Tensor isnan(const Tensor& x);     ///< bool
ADJOINT_API Tensor isinf(const Tensor& x);     ///< bool
ADJOINT_API Tensor isfinite(const Tensor& x);  ///< bool

/// Limits to [low, high]; the gradient passes at the bounds.
ADJOINT_API Tensor clamp(const Tensor& x, double low = -std::numeric_limits<double>::infinity(),
                         double high = std::numeric_limits<double>::infinity());

ADJOINT_API Tensor relu(const Tensor& x);   ///< max(x, 0)
ADJOINT_API Tensor relu6(const Tensor& x);  ///< min(max(x, 0), 6)
/// x where positive, negative_slope x elsewhere.
ADJOINT_API Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where positive, weight x elsewhere.
/// shapes: one weight, or one per channel (dimension 1).
ADJOINT_API Tensor prelu(const Tensor& x, const Tensor& weight);
/// x where positive, alpha (e^x - 1) elsewhere.
ADJOINT_API Tensor elu(const Tensor& x, double alpha = 1.0);
/// x where positive, alpha (e^(x / alpha) - 1) elsewhere.
ADJOINT_API Tensor celu(const Tensor& x, double alpha = 1.0);
ADJOINT_API Tensor selu(const Tensor& x);        ///< 1.0507 elu(x, 1.6733)
ADJOINT_API Tensor sigmoid(const Tensor& x);     ///< 1 / (1 + e^-x)
ADJOINT_API Tensor logsigmoid(const Tensor& x);  ///< log(sigmoid(x))
ADJOINT_API Tensor silu(const Tensor& x);        ///< x sigmoid(x), also called swish
/// log(1 + e^(beta x)) / beta; x where beta x > threshold.
ADJOINT_API Tensor softplus(const Tensor& x, double beta = 1.0, double threshold = 20.0);
ADJOINT_API Tensor mish(const Tensor& x);                                            ///< x tanh(softplus(x))
ADJOINT_API Tensor softsign(const Tensor& x);                                        ///< x / (1 + |x|)
ADJOINT_API Tensor hardtanh(const Tensor& x, double low = -1.0, double high = 1.0);  ///< clamp(x, low, high)
ADJOINT_API Tensor hardsigmoid(const Tensor& x);  ///< clamp(x / 6 + 1 / 2, 0, 1)
ADJOINT_API Tensor hardswish(const Tensor& x);    ///< x hardsigmoid(x)

/// Exact, or by the approximation with tanh.
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
