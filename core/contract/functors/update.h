// Optimizer steps as functors: one element of a parameter, its gradient and its state.
#pragma once

#include <adjoint/core/contract/functors/update_adam.h>
#include <adjoint/core/contract/functors/update_list.h>
#include <adjoint/core/contract/functors/update_scaled.h>

namespace adjoint {

namespace functor {

/// g = gradient + weight_decay p; v = momentum v + (1 - dampening) g;
/// p -= lr (nesterov ? g + momentum v : v).
/// source: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
struct SgdStep {
    static constexpr const char* name = "sgd";
    static constexpr int states = 1;
    double lr, momentum, dampening, weight_decay;
    bool nesterov, first, maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& v, T&, T&) const {
        const T g = (maximize ? -gradient : gradient) + T(weight_decay) * p;
        v = first ? g : T(momentum) * v + T(1 - dampening) * g;
        p -= T(lr) * (nesterov ? g + T(momentum) * v : v);
    }
};

/// SGD without momentum keeps no state.
struct PlainSgdStep {
    static constexpr const char* name = "sgd";
    static constexpr int states = 0;
    double lr, weight_decay;
    bool maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T&, T&, T&) const {
        const T g = (maximize ? -gradient : gradient) + T(weight_decay) * p;
        p -= T(lr) * g;
    }
};

/// A running mean m of g rules the sign of the move alone: p -= lr (weight_decay p + sign(beta1 m +
/// (1 - beta1) g)), then m = beta2 m + (1 - beta2) g.
/// source: Chen et al., Symbolic discovery of optimization algorithms, 2023.
struct LionStep {
    static constexpr const char* name = "lion";
    static constexpr int states = 1;
    double lr, beta1, beta2, weight_decay;
    bool maximize;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T&, T&) const {
        const T g = maximize ? -gradient : gradient;
        const T direction = T(beta1) * m + T(1 - beta1) * g;
        p = p * T(1 - lr * weight_decay) - T(lr) * sign_of(direction);
        m = T(beta2) * m + T(1 - beta2) * g;
    }
};

/// p -= lr (weight_decay p + g), for directions that were made elsewhere.
struct DirectionStep {
    static constexpr const char* name = "direction";
    static constexpr int states = 0;
    double lr, weight_decay;
    template <class T> ADJOINT_HD void step(T& p, T g, T&, T&, T&) const {
        p = p * T(1 - lr * weight_decay) - T(lr) * g;
    }
};

/// A running mean of weights: mean += (1 - decay) (w - mean).
struct AverageStep {
    static constexpr const char* name = "average";
    static constexpr int states = 0;
    double decay;
    template <class T> ADJOINT_HD void step(T& mean, T w, T&, T&, T&) const {
        mean += T(1 - decay) * (w - mean);
    }
};

}  // namespace functor

}  // namespace adjoint
