// Activations that are chosen at run time, in kernels: a call each, so that a functor's code is there once.
#pragma once

#include <adjoint/core/contract/activate.h>
#include <adjoint/cuda/kernels/device_code.h>

namespace adjoint::cuda_backend {

template <class F, class T> ADJOINT_DEVICE_CALL T value_of(T x) { return F{}.template value<T>(x); }
template <class F, class T> ADJOINT_DEVICE_CALL T slope_times_of(T g, T saved) {
    return functor::SlopeTimes<F>{}.template value<T>(g, saved);
}

template <class T, class... Fs>
ADJOINT_DEVICE T activated_by(FunctorList<Fs...>, Activation activation, T x) {
    int number = 0;
    T y = x;
    static_cast<void>(
        ((static_cast<int>(activation) == ++number ? (y = value_of<Fs>(x), true) : false) || ...));
    return y;
}
template <class T, class... Fs>
ADJOINT_DEVICE T passed_back_by(FunctorList<Fs...>, Activation activation, T g, T saved) {
    int number = 0;
    T y = g;
    static_cast<void>(
        ((static_cast<int>(activation) == ++number ? (y = slope_times_of<Fs>(g, saved), true) : false) ||
         ...));
    return y;
}

/// f(x); x itself for none.
template <class T> ADJOINT_DEVICE T activated(Activation activation, T x) {
    return activated_by(functor::Activations{}, activation, x);
}
/// g f'(saved); g itself for none.
template <class T> ADJOINT_DEVICE T passed_back(Activation activation, T g, T saved) {
    return passed_back_by(functor::Activations{}, activation, g, saved);
}

}  // namespace adjoint::cuda_backend
