// Initialisers: fill a tensor in place, unrecorded, with numbers of the library's generator, and return it.
//
// fan in and fan out: the numbers of inputs and outputs of a unit; for a weight (out, in, kernel...) in and
// out times the kernel's size.
// errors: ShapeError for fewer than two dimensions where fans are needed.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::nn::init {

/// Uniform in [low, high), normal, or one value; x itself is the result, as of all of these.
ADJOINT_API Tensor uniform_(const Tensor& x, double low = 0, double high = 1);
ADJOINT_API Tensor normal_(const Tensor& x, double mean = 0, double std = 1);
ADJOINT_API Tensor constant_(const Tensor& x, double value);
inline Tensor zeros_(const Tensor& x) { return constant_(x, 0); }
inline Tensor ones_(const Tensor& x) { return constant_(x, 1); }
/// Normal, limited to [low, high] by drawing from the distribution's middle part.
ADJOINT_API Tensor trunc_normal_(const Tensor& x, double mean = 0, double std = 1, double low = -2,
                                 double high = 2);

/// Uniform in +-gain sqrt(6 / (fan in + fan out)).
/// source: Glorot and Bengio, Understanding the difficulty of training deep feedforward
/// networks, AISTATS 2010.
ADJOINT_API Tensor xavier_uniform_(const Tensor& x, double gain = 1);
/// Normal with standard deviation gain sqrt(2 / (fan in + fan out)).
ADJOINT_API Tensor xavier_normal_(const Tensor& x, double gain = 1);

/// Whether the spread of the forward or of the backward pass is kept.
enum class FanMode { in, out };
/// What follows the layer.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };

/// The factor that keeps variance through an activation; `slope` is leaky_relu's.
ADJOINT_API double calculate_gain(Nonlinearity nonlinearity, double slope = 0.01);

struct KaimingOptions {
    double a = 0;  ///< negative slope of leaky_relu
    FanMode mode = FanMode::in;
    Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// Uniform in +-gain sqrt(3 / fan).
/// source: He et al., Delving deep into rectifiers, ICCV 2015.
ADJOINT_API Tensor kaiming_uniform_(const Tensor& x, const KaimingOptions& options = {});
/// Normal with standard deviation gain / sqrt(fan).
ADJOINT_API Tensor kaiming_normal_(const Tensor& x, const KaimingOptions& options = {});

/// gain times a random matrix with orthonormal rows or columns, whichever are fewer; dimensions after the
/// first are one.
/// source: Saxe et al., Exact solutions to the nonlinear dynamics of learning, ICLR 2014.
ADJOINT_API Tensor orthogonal_(const Tensor& x, double gain = 1);

}  // namespace adjoint::nn::init
