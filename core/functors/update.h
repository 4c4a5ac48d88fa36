// Optimizer steps as functors: one element of a parameter, its gradient and its state.
#pragma once

#include <variant>

#include <adjoint/core/functors/functors.h>

namespace adjoint {

namespace functor {

/// g = gradient + weight_decay p; v = momentum v + (1 - dampening) g; p -= lr (nesterov ? g + momentum v :
/// v). Source: Sutskever et al., On the importance of initialization and momentum in deep learning, ICML
/// 2013.
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

/// m, v: running means of g and g^2; p -= lr m^ / (sqrt(v^) + eps), ^ for bias-corrected. AdamW: decoupled
/// decay. Source: Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, Decoupled weight decay, ICLR 2019.
struct AdamStep {
    static constexpr const char* name = "adam";
    static constexpr int states = 2;
    double lr, beta1, beta2, eps, weight_decay;
    double correction1, correction2_root;  // 1 - beta1^t, sqrt(1 - beta2^t)
    bool decoupled, maximize;
    template <class T> ADJOINT_HD void decay_and_average(T& p, T gradient, T& m, T& v) const {
        T g = maximize ? -gradient : gradient;
        p = decoupled ? p * T(1 - lr * weight_decay) : p;
        g = decoupled ? g : g + T(weight_decay) * p;
        m = m + T(1 - beta1) * (g - m);
        v = T(beta2) * v + T(1 - beta2) * (g * g);
    }
    template <class T> ADJOINT_HD void move(T& p, T m, T v) const {
        p -= T(lr / correction1) * (m / (math::sqrt(v) / T(correction2_root) + T(eps)));
    }
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T&) const {
        decay_and_average(p, gradient, m, v);
        move(p, m, v);
    }
};

/// Adam that divides by the largest v so far.
/// Source: Reddi et al., On the convergence of Adam and beyond, ICLR 2018.
struct AmsgradStep {
    static constexpr const char* name = "amsgrad";
    static constexpr int states = 3;
    AdamStep adam;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T& largest) const {
        adam.decay_and_average(p, gradient, m, v);
        largest = largest > v ? largest : v;
        adam.move(p, m, largest);
    }
};

using UpdateList = FunctorList<PlainSgdStep, SgdStep, AdamStep, AmsgradStep>;

}  // namespace functor

using UpdateOp = functor::UpdateList::Variant;

}  // namespace adjoint
