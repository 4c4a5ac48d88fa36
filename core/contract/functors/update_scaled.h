// Optimizer steps that scale each element of the gradient by a memory of its own size or sign.
#pragma once

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/math.h>

namespace adjoint::functor {

/// -1, 0 or 1
template <class T> ADJOINT_HD T sign_of(T x) { return T(x > T(0)) - T(x < T(0)); }

/// sum += g^2; p -= rate g / (sqrt(sum) + eps).
/// source: Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 12, 2011.
struct AdagradStep {
    static constexpr const char* name = "adagrad";
    static constexpr int states = 1;
    double rate, weight_decay, eps, initial;
    bool first, maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& sum, T&, T&) const {
        const T g = (maximize ? -gradient : gradient) + T(weight_decay) * p;
        sum = (first ? T(initial) : sum) + g * g;
        p -= T(rate) * (g / (math::sqrt(sum) + T(eps)));
    }
};

/// v, d: running means of g^2 and of the squared moves; move = sqrt(d + eps) / sqrt(v + eps) g; p -= lr move.
/// source: Zeiler, ADADELTA, 2012.
struct AdadeltaStep {
    static constexpr const char* name = "adadelta";
    static constexpr int states = 2;
    double lr, rho, eps, weight_decay;
    bool maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& v, T& d, T&) const {
        const T g = (maximize ? -gradient : gradient) + T(weight_decay) * p;
        v = T(rho) * v + T(1 - rho) * (g * g);
        const T move = math::sqrt(d + T(eps)) / math::sqrt(v + T(eps)) * g;
        d = T(rho) * d + T(1 - rho) * (move * move);
        p -= T(lr) * move;
    }
};

/// v: running mean of g^2, less the squared mean of g if centered; p -= lr g / (sqrt(v) + eps), through a
/// momentum buffer if wanted.
/// source: Tieleman and Hinton, Lecture 6.5, Coursera 2012; Graves, Generating sequences with recurrent
/// neural networks, 2013.
template <bool centered, bool momentous> struct RmspropStep {
    static constexpr const char* name = "rmsprop";
    static constexpr int states = 1 + centered + momentous;
    double lr, alpha, eps, weight_decay, momentum;
    bool maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& v, T& a, T& b) const {
        const T g = (maximize ? -gradient : gradient) + T(weight_decay) * p;
        v = T(alpha) * v + T(1 - alpha) * (g * g);
        T variance = v;
        if constexpr (centered) {
            T& mean = momentous ? b : a;
            mean = mean + T(1 - alpha) * (g - mean);
            // Rounding may leave a little less than nothing.
            variance = v - mean * mean;
            variance = variance < T(0) ? T(0) : variance;
        }
        T move = g / (math::sqrt(variance) + T(eps));
        if constexpr (momentous) {
            a = T(momentum) * a + move;
            move = a;
        }
        p -= T(lr) * move;
    }
};

/// The step of an element grows while its gradient keeps the sign,
/// and shrinks (and rests once) when it turns.
/// source: Riedmiller and Braun, A direct adaptive method, ICNN 1993.
struct RpropStep {
    static constexpr const char* name = "rprop";
    static constexpr int states = 2;
    double lr, shrink, grow, smallest, largest;
    bool first, maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& previous, T& size, T&) const {
        const T g = maximize ? -gradient : gradient;
        const T turn = g * previous;
        T next = (first ? T(lr) : size) * (turn > T(0) ? T(grow) : turn < T(0) ? T(shrink) : T(1));
        next = next < T(smallest) ? T(smallest) : next;
        size = next > T(largest) ? T(largest) : next;
        const T used = turn < T(0) ? T(0) : g;
        p -= sign_of(used) * size;
        previous = used;
    }
};

}  // namespace adjoint::functor
