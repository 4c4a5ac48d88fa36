// A tensor with a number: x + s, s / x, x > s ... as unary functors, in the shape of elementary.h.
#pragma once

#include <adjoint/core/contract/functors/elementary.h>

namespace adjoint::functor {

struct AddScalar {
    static constexpr const char* name = "add_scalar";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    double s;
    template <class V> void attributes(V& v) const { v("s", s); }
    template <class T> ADJOINT_HD T value(T x) const { return x + T(s); }
};

/// s - x
struct RsubScalar {
    static constexpr const char* name = "rsub_scalar";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    double s;
    template <class V> void attributes(V& v) const { v("s", s); }
    template <class T> ADJOINT_HD T value(T x) const { return T(s) - x; }
};

struct MulScalar {
    static constexpr const char* name = "mul_scalar";
    static constexpr Saves saves = Saves::nothing;
    static constexpr bool integers = true;
    double s;
    template <class V> void attributes(V& v) const { v("s", s); }
    template <class T> ADJOINT_HD T value(T x) const { return x * T(s); }
};

/// scale x + shift: pixels to numbers
struct ScaleShift {
    static constexpr const char* name = "scale_shift";
    static constexpr Saves saves = Saves::nothing;
    double scale, shift;
    template <class T> ADJOINT_HD T value(T x) const { return x * T(scale) + T(shift); }
};

struct DivScalar {
    static constexpr const char* name = "div_scalar";
    static constexpr Saves saves = Saves::nothing;
    double s;
    template <class V> void attributes(V& v) const { v("s", s); }
    template <class T> ADJOINT_HD T value(T x) const { return x / T(s); }
};

/// s / x
struct RdivScalar {
    static constexpr const char* name = "rdiv_scalar";
    static constexpr Saves saves = Saves::input;
    double s;
    template <class V> void attributes(V& v) const { v("s", s); }
    template <class T> ADJOINT_HD T value(T x) const { return T(s) / x; }
    template <class T> ADJOINT_HD T slope(T x) const { return -(Real<T>(s) / x) / x; }
};

/// x^p
struct PowScalar {
    static constexpr const char* name = "pow_scalar";
    static constexpr Saves saves = Saves::input;
    double p;
    template <class V> void attributes(V& v) const { v("p", p); }
    template <class T> ADJOINT_HD T value(T x) const { return math::pow(x, T(p)); }
    template <class T> ADJOINT_HD T slope(T x) const {
        return p == 0 ? full_like(x, 0) : Real<T>(p) * pow(x, Real<T>(p - 1));
    }
};

/// a^x
struct ScalarPow {
    static constexpr const char* name = "scalar_pow";
    static constexpr Saves saves = Saves::output;
    double a, log_a;
    template <class V> void attributes(V& v) const { v("a", a); }
    template <class T> ADJOINT_HD T value(T x) const { return math::pow(T(a), x); }
    template <class T> ADJOINT_HD T slope(T y) const {
        // 0^x has the slope -inf where it is infinite, and else 0, also at 0^0 where 0 and infinity meet.
        return where(a == 0 ? y <= 1 : y == 0, full_like(y, 0), y * Real<T>(log_a));
    }
};

}  // namespace adjoint::functor
