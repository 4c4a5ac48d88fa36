// The initialisers.
#include <adjoint/nn/init.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/record/grad_mode.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint::nn::init {
namespace {

Options drawing_like(const char* op, const Tensor& x) {
    check<DTypeError>(is_floating(x.dtype()), "{}: needs a floating-point tensor, not {}", op,
                      name(x.dtype()));
    return {.dtype = compute_type(x.dtype()), .device = x.device()};
}

struct Fans {
    double in, out;
};

Fans fans(const char* op, const Tensor& x) {
    check<ShapeError>(x.dim() >= 2, "{}: fans need at least two dimensions, the shape is {}", op, x.shape());
    double kernel = 1;
    for (int d = 2; d < x.dim(); ++d) kernel *= static_cast<double>(x.shape()[d]);
    return {static_cast<double>(x.shape()[1]) * kernel, static_cast<double>(x.shape()[0]) * kernel};
}

double kaiming_deviation(const char* op, const Tensor& x, const KaimingOptions& options) {
    const Fans fan = fans(op, x);
    return calculate_gain(options.nonlinearity, options.a) /
           std::sqrt(options.mode == FanMode::in ? fan.in : fan.out);
}

double below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

/// The z in [low, high] below which the standard normal distribution has mass p:
/// Newton's method, kept in a bracket.
double quantile(double p, double low, double high) {
    double z = std::clamp(0.0, low, high);
    for (int i = 0; i < 100; ++i) {
        const double error = below(z) - p;
        (error > 0 ? high : low) = z;
        const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
        double next = z - error / density;
        if (!(next > low && next < high)) next = (low + high) / 2;
        if (std::abs(next - z) <= 1e-12 * std::max(1.0, std::abs(z))) return next;
        z = next;
    }
    return z;
}

}  // namespace

Tensor uniform_(const Tensor& x, double low, double high) {
    check<ValueError>(low <= high, "uniform_: the range [{}, {}] is empty", low, high);
    const NoGrad guard;
    return x.copy_(rand(x.shape(), drawing_like("uniform_", x)) * (high - low) + low);
}

Tensor normal_(const Tensor& x, double mean, double std) {
    check<ValueError>(std >= 0, "normal_: standard deviation {} is negative", std);
    const NoGrad guard;
    return x.copy_(randn(x.shape(), drawing_like("normal_", x)) * std + mean);
}

Tensor constant_(const Tensor& x, double value) {
    const NoGrad guard;
    return x.fill_(value);
}

Tensor trunc_normal_(const Tensor& x, double mean, double std, double low, double high) {
    check<ValueError>(std > 0 && low < high, "trunc_normal_: standard deviation {}, range [{}, {}]", std, low,
                      high);
    drawing_like("trunc_normal_", x);
    // In the upper half the distribution function is near 1, where doubles are coarse;
    // its mirror image is not.
    const bool mirrored = low > mean;
    const double from = mirrored ? (mean - high) / std : (low - mean) / std;
    const double to = mirrored ? (mean - low) / std : (high - mean) / std;
    const double first = below(from), last = below(to);
    const NoGrad guard;
    std::vector<double> values = rand(x.shape(), f64, Device::cpu()).to_vector<double>();
    for (double& value : values) {
        const double z = quantile(first + value * (last - first), std::max(from, -40.0), std::min(to, 40.0));
        value = std::clamp(mean + std * (mirrored ? -z : z), low, high);
    }
    return x.copy_(tensor(values, x.shape()).to(x.device()));
}

Tensor xavier_uniform_(const Tensor& x, double gain) {
    const Fans fan = fans("xavier_uniform_", x);
    if (x.numel() == 0) return x;
    const double bound = gain * std::sqrt(6 / (fan.in + fan.out));
    return uniform_(x, -bound, bound);
}

Tensor xavier_normal_(const Tensor& x, double gain) {
    const Fans fan = fans("xavier_normal_", x);
    if (x.numel() == 0) return x;
    return normal_(x, 0, gain * std::sqrt(2 / (fan.in + fan.out)));
}

double calculate_gain(Nonlinearity nonlinearity, double slope) {
    switch (nonlinearity) {
        case Nonlinearity::tanh:
            return 5.0 / 3;
        case Nonlinearity::relu:
            return std::numbers::sqrt2;
        case Nonlinearity::leaky_relu:
            return std::sqrt(2 / (1 + slope * slope));
        case Nonlinearity::selu:
            return 0.75;
        case Nonlinearity::linear:
        case Nonlinearity::sigmoid:
            break;
    }
    return 1;
}

Tensor kaiming_uniform_(const Tensor& x, const KaimingOptions& options) {
    const double bound = std::sqrt(3.0) * kaiming_deviation("kaiming_uniform_", x, options);
    return x.numel() == 0 ? x : uniform_(x, -bound, bound);
}

Tensor kaiming_normal_(const Tensor& x, const KaimingOptions& options) {
    const double deviation = kaiming_deviation("kaiming_normal_", x, options);
    return x.numel() == 0 ? x : normal_(x, 0, deviation);
}

Tensor orthogonal_(const Tensor& x, double gain) {
    check<ShapeError>(x.dim() >= 2, "orthogonal_: needs at least two dimensions, the shape is {}", x.shape());
    drawing_like("orthogonal_", x);
    if (x.numel() == 0) return x;
    const NoGrad guard;
    const auto rows = static_cast<std::size_t>(x.shape()[0]);
    const std::size_t columns = static_cast<std::size_t>(x.numel()) / rows;
    const std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
    // Vectors of normal numbers, made orthonormal one after the other;
    // the second pass removes what rounding left.
    std::vector<double> q = randn({x.numel()}, f64, Device::cpu()).to_vector<double>();
    for (std::size_t i = 0; i < count; ++i) {
        double* const v = q.data() + i * length;
        for (int pass = 0; pass < 2; ++pass) {
            for (std::size_t j = 0; j < i; ++j) {
                const double* const u = q.data() + j * length;
                double along = 0;
                for (std::size_t k = 0; k < length; ++k) along += u[k] * v[k];
                for (std::size_t k = 0; k < length; ++k) v[k] -= along * u[k];
            }
            double square = 0;
            for (std::size_t k = 0; k < length; ++k) square += v[k] * v[k];
            for (std::size_t k = 0; k < length; ++k) v[k] /= std::sqrt(square);
        }
    }
    std::vector<double> values(q.size());
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c)
            values[r * columns + c] = gain * (rows <= columns ? q[r * length + c] : q[c * length + r]);
    return x.copy_(tensor(values, x.shape()).to(x.device()));
}

}  // namespace adjoint::nn::init
