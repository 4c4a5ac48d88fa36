// Optimizer steps of Adam's kind: running means of the gradient and of its size.
#pragma once

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/math.h>

namespace adjoint::functor {

/// What the steps of Adam's kind share: the decay, and running means m of the gradient g and v of g^2.
struct AdamMoments {
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled, maximize;
    /// Decays p, or adds the decay to the gradient; moves m towards that g and returns it.
    template <class T> ADJOINT_HD T first(T& p, T gradient, T& m) const {
        T g = maximize ? -gradient : gradient;
        p = decoupled ? p * T(1 - lr * weight_decay) : p;
        g = decoupled ? g : g + T(weight_decay) * p;
        m = m + T(1 - beta1) * (g - m);
        return g;
    }
    template <class T> ADJOINT_HD void second(T g, T& v) const { v = T(beta2) * v + T(1 - beta2) * (g * g); }
};

/// p -= lr m^ / (sqrt(v^) + eps), ^ for bias-corrected. AdamW: decoupled decay.
/// source: Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, Decoupled weight decay, ICLR 2019.
struct AdamStep {
    static constexpr const char* name = "adam";
    static constexpr int states = 2;
    AdamMoments moments;
    double correction1, correction2_root;  // 1 - beta1^t, sqrt(1 - beta2^t)
    template <class T> ADJOINT_HD void move(T& p, T m, T v) const {
        p -= T(moments.lr / correction1) * (m / (math::sqrt(v) / T(correction2_root) + T(moments.eps)));
    }
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T&) const {
        moments.second(moments.first(p, gradient, m), v);
        move(p, m, v);
    }
};

/// Adam that divides by the largest v so far.
/// source: Reddi et al., On the convergence of Adam and beyond, ICLR 2018.
struct AmsgradStep {
    static constexpr const char* name = "amsgrad";
    static constexpr int states = 3;
    AdamStep adam;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T& largest) const {
        adam.moments.second(adam.moments.first(p, gradient, m), v);
        largest = largest > v ? largest : v;
        adam.move(p, m, largest);
    }
};

/// u = max(beta2 u, |g| + eps); p -= lr m / ((1 - beta1^t) u).
/// source: Kingma and Ba, Adam, ICLR 2015, section 7.1.
struct AdamaxStep {
    static constexpr const char* name = "adamax";
    static constexpr int states = 2;
    AdamMoments moments;
    double correction1;  // 1 - beta1^t
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& u, T&) const {
        const T g = moments.first(p, gradient, m);
        const T size = math::abs(g) + T(moments.eps), faded = T(moments.beta2) * u;
        u = faded > size ? faded : size;
        p -= T(moments.lr / correction1) * (m / u);
    }
};

/// Adam with a look ahead: p -= lr (ahead m + now g) / (sqrt(v / (1 - beta2^t)) + eps).
/// source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
struct NAdamStep {
    static constexpr const char* name = "nadam";
    static constexpr int states = 2;
    AdamMoments moments;
    double correction2;  // 1 - beta2^t
    double now, ahead;   // the weights of g and of m
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T&) const {
        const T g = moments.first(p, gradient, m);
        moments.second(g, v);
        const T size = math::sqrt(v / T(correction2)) + T(moments.eps);
        p -= T(moments.lr * now) * (g / size);
        p -= T(moments.lr * ahead) * (m / size);
    }
};

/// Adam whose adaptive part waits until its variance can be told:
/// p -= lr m^ (adaptive ? factor / (sqrt(v) + eps) : 1).
/// source: Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020.
struct RAdamStep {
    static constexpr const char* name = "radam";
    static constexpr int states = 2;
    AdamMoments moments;
    double correction1, factor;  // 1 - beta1^t; the rectification times sqrt(1 - beta2^t)
    bool adaptive;
    template <class T> ADJOINT_HD void step(T& p, T gradient, T& m, T& v, T&) const {
        const T g = moments.first(p, gradient, m);
        moments.second(g, v);
        const T scale = adaptive ? T(factor) / (math::sqrt(v) + T(moments.eps)) : T(1);
        p -= T(moments.lr) * (m / T(correction1) * scale);
    }
};

}  // namespace adjoint::functor
