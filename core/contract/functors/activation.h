// Activation functions: value and slope in one struct, as in elementary.h.
#pragma once

#include <adjoint/core/contract/functors/elementary.h>

namespace adjoint::functor {

struct Relu {
    static constexpr const char* name = "relu";
    static constexpr Saves saves = Saves::output;
    static constexpr bool integers = true;
    template <class T> ADJOINT_HD T value(T x) const {
        return x < T(0) ? T(0) : x;  // NaN passes
    }
    template <class T> ADJOINT_HD T slope(T y) const { return indicator(y > 0, y); }
};

struct Relu6 {
    static constexpr const char* name = "relu6";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return x < T(0) ? T(0) : (x > T(6) ? T(6) : x); }
    template <class T> ADJOINT_HD T slope(T x) const { return indicator(logical_and(x > 0, x < 6), x); }
};

struct LeakyRelu {
    static constexpr const char* name = "leaky_relu";
    static constexpr Saves saves = Saves::input;
    double negative_slope;
    template <class V> void attributes(V& v) const { v("negative_slope", negative_slope); }
    template <class T> ADJOINT_HD T value(T x) const { return x > T(0) ? x : x * T(negative_slope); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return where(x > 0, full_like(x, 1), full_like(x, negative_slope));
    }
};

/// alpha (exp(x / beta) - 1) scaled by `scale` below 0: ELU, CELU and SELU.
struct Elu {
    static constexpr const char* name = "elu";
    static constexpr Saves saves = Saves::input;
    double alpha, scale, input_scale;
    template <class V> void attributes(V& v) const {
        v("alpha", alpha);
        v("scale", scale);
        v("input_scale", input_scale);
    }
    template <class T> ADJOINT_HD T value(T x) const {
        const T below = T(alpha) * math::expm1((x > T(0) ? T(0) : x) * T(input_scale));
        return T(scale) * (x > T(0) ? x : below);
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T low = where(x > 0, full_like(x, 0), x);
        const T below = Real<T>(alpha * input_scale) * exp(low * Real<T>(input_scale));
        return Real<T>(scale) * where(x > 0, full_like(x, 1), below);
    }
};

struct Sigmoid {
    static constexpr const char* name = "sigmoid";
    static constexpr Saves saves = Saves::output;
    template <class T> ADJOINT_HD T value(T x) const { return math::sigmoid(x); }
    template <class T> ADJOINT_HD T slope(T y) const { return (1 - y) * y; }
};

struct LogSigmoid {
    static constexpr const char* name = "logsigmoid";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const {
        const T low = x < T(0) ? x : (x > T(0) ? T(0) : x);
        return low - math::log1p(math::exp(-math::abs(x)));
    }
    template <class T> ADJOINT_HD T slope(T x) const { return sigmoid(-x); }
};

struct Silu {
    static constexpr const char* name = "silu";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return x * math::sigmoid(x); }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T s = sigmoid(x);
        return s * (1 + x * (1 - s));
    }
};

/// log(1 + exp(beta x)) / beta, linear where beta x exceeds the threshold.
struct Softplus {
    static constexpr const char* name = "softplus";
    static constexpr Saves saves = Saves::input;
    double beta, threshold;
    template <class V> void attributes(V& v) const {
        v("beta", beta);
        v("threshold", threshold);
    }
    template <class T> ADJOINT_HD T value(T x) const {
        const T z = x * T(beta);
        const T curved = ((z > T(0) ? z : T(0)) + math::log1p(math::exp(-math::abs(z)))) / T(beta);
        return z > T(threshold) ? x : curved;
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T z = x * Real<T>(beta);
        return where(z > Real<T>(threshold), full_like(x, 1), sigmoid(z));
    }
};

template <class T> ADJOINT_HD T softplus(T x) { return Softplus{1, 20}.value(x); }

/// x tanh(softplus(x)).
struct Mish {
    static constexpr const char* name = "mish";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return x * math::tanh(softplus(x)); }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T t = tanh(softplus(x));
        return t + x * (1 - t * t) * sigmoid(x);
    }
};

struct Softsign {
    static constexpr const char* name = "softsign";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const { return x / (T(1) + math::abs(x)); }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T d = 1 + abs(x);
        return 1 / (d * d);
    }
};

struct Hardtanh {
    static constexpr const char* name = "hardtanh";
    static constexpr Saves saves = Saves::input;
    double low, high;
    template <class V> void attributes(V& v) const {
        v("low", low);
        v("high", high);
    }
    template <class T> ADJOINT_HD T value(T x) const {
        return x < T(low) ? T(low) : (x > T(high) ? T(high) : x);
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        return indicator(logical_and(x > Real<T>(low), x < Real<T>(high)), x);
    }
};

struct Hardsigmoid {
    static constexpr const char* name = "hardsigmoid";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const {
        return (x < T(-3) ? T(0) : (x > T(3) ? T(6) : x + T(3))) / T(6);
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        return indicator(logical_and(x > -3, x < 3), x) * Real<T>(1.0 / 6);
    }
};

struct Hardswish {
    static constexpr const char* name = "hardswish";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const {
        return x < T(-3) ? T(0) : (x > T(3) ? x : x * (x + T(3)) / T(6));
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        return where(x < -3, full_like(x, 0), where(x > 3, full_like(x, 1), (x + x + 3) / 6));
    }
};

/// x times the normal distribution function of x.
struct Gelu {
    static constexpr const char* name = "gelu";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const {
        return x * T(0.5) * (T(1) + math::erf(x * T(0.70710678118654752440)));
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T below = Real<T>(0.5) * (1 + erf(x * Real<T>(0.70710678118654752440)));
        return below + x * Real<T>(0.39894228040143267794) * exp(Real<T>(-0.5) * (x * x));
    }
};

/// GELU in its tanh form.
struct GeluTanh {
    static constexpr const char* name = "gelu_tanh";
    static constexpr Saves saves = Saves::input;
    template <class T> ADJOINT_HD T value(T x) const {
        const T inner = T(0.79788456080286535588) * (x + T(0.044715) * x * x * x);
        return T(0.5) * x * (T(1) + math::tanh(inner));
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        const T t = tanh(Real<T>(0.79788456080286535588) * (x + Real<T>(0.044715) * x * x * x));
        const T inner_slope = Real<T>(0.79788456080286535588) * (1 + Real<T>(0.134145) * x * x);
        return Real<T>(0.5) * (1 + t) + Real<T>(0.5) * x * (1 - t * t) * inner_slope;
    }
};

/// Limits to [low, high]; the gradient passes at the bounds.
struct Clamp {
    static constexpr const char* name = "clamp";
    static constexpr Saves saves = Saves::input;
    static constexpr bool integers = true;
    double low, high;
    template <class V> void attributes(V& v) const {
        v("low", low);
        v("high", high);
    }
    template <class T> ADJOINT_HD T value(T x) const {
        if constexpr (std::is_integral_v<T>) {
            // A bound beyond the integers, or NaN, bounds nothing, and the others are compared as integers.
            constexpr double limit = 0x1p63;
            const T above = low > -limit && low < limit && x < T(low) ? T(low) : x;
            return high > -limit && high < limit && above > T(high) ? T(high) : above;
        } else {
            const T above = static_cast<double>(x) < low ? T(low) : x;
            return static_cast<double>(above) > high ? T(high) : above;
        }
    }
    template <class T> ADJOINT_HD T slope(T x) const {
        return indicator(logical_and(x >= low, x <= high), x);
    }
};

}  // namespace adjoint::functor
