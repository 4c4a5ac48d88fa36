// The scalar functions of every elementwise operation, for float and double, on host and device.
//
// The float versions of the hot functions (exp, exp2, expm1, log, log1p, log2, tanh, sigmoid, erf,
// sincos_turn) are straight-line arithmetic with selects: loops over them vectorise, and every instruction
// set level and a GPU give the same bits, provided that the compiler contracts nothing (-ffp-contract=off,
// -fmad=false). The other float functions are evaluated in double by the C library and rounded. Polynomials
// are minimax fits of our own; each states the interval and the error it was fitted to.
// tests/core/math_test.cpp holds the error bounds.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <adjoint/core/base/bit_cast.h>
#include <adjoint/core/base/export.h>

namespace adjoint::math {

namespace detail {

// ln 2 in two parts: the first has 12 bits, so its product with an exponent is exact.
inline constexpr float ln2_high = 0x1.62ep-1f;
inline constexpr float ln2_low = 0x1.0bfbe8p-15f;
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

// 2^n for -127 < n < 128, and 0 for n = -127. Unsigned, because n is arbitrary where x was NaN.
ADJOINT_HD float power_of_two(std::int32_t n) {
    return bit_cast<float>((static_cast<std::uint32_t>(n) + 127u) << 23);
}

// The nearest integer to |x| < 2^22, as a float and as an int: adding 1.5 * 2^23 moves it to the last bits.
struct Rounded {
    float value;
    std::int32_t integer;
};
ADJOINT_HD Rounded nearest(float x) {
    const float shifted = x + 0x1.8p23f;
    const std::uint32_t bits = bit_cast<std::uint32_t>(shifted) - 0x4b400000u;
    return {shifted - 0x1.8p23f, static_cast<std::int32_t>(bits)};
}

// P with e^r = 1 + r + r^2 P(r) for |r| <= ln(2) / 2; error 2^-26 of r.
ADJOINT_HD float exp_tail(float r) {
    float p = 0x1.6d9a76p-10f;
    p = p * r + 0x1.1228f4p-7f;
    p = p * r + 0x1.555486p-5f;
    p = p * r + 0x1.5554aep-3f;
    return p * r + 0.5f;
}

// P with log(1 + f) = f - f^2 / 2 + f^3 P(f) for |f| <= 1/3; error 2^-27 of f.
ADJOINT_HD float log_tail(float f) {
    float p = -0x1.0e25e0p-3f;
    p = p * f + 0x1.1debap-3f;
    p = p * f - 0x1.f03ec2p-4f;
    p = p * f + 0x1.1ef362p-3f;
    p = p * f - 0x1.55b7c8p-3f;
    p = p * f + 0x1.99ce22p-3f;
    p = p * f - 0x1.fffe6p-3f;
    return p * f + 0x1.55550cp-2f;
}

// x = 2^exponent * (1 + fraction) for finite x > 0, with -1/3 <= fraction < 1/3.
struct Split {
    float exponent;
    float fraction;
};
ADJOINT_HD Split split(float x) {
    const bool tiny = x < 0x1p-126f;
    const float scaled = tiny ? x * 0x1p23f : x;
    constexpr std::uint32_t two_thirds = 0x3f2aaaabu;
    const std::uint32_t bits = bit_cast<std::uint32_t>(scaled) - two_thirds;
    const std::int32_t exponent = (static_cast<std::int32_t>(bits) >> 23) - (tiny ? 23 : 0);
    return {static_cast<float>(exponent), bit_cast<float>((bits & 0x7fffffu) + two_thirds) - 1.0f};
}

// The values a logarithm takes at the rim of its domain, where x is measured from the pole.
ADJOINT_HD float log_rim(float x, float inside) {
    float y = x < infinity ? inside : x;  // infinity and NaN stay what they are
    y = x < 0.0f ? not_a_number : y;
    return x == 0.0f ? -infinity : y;
}

}  // namespace detail

ADJOINT_HD float abs(float x) { return ::fabsf(x); }
ADJOINT_HD double abs(double x) { return ::fabs(x); }
ADJOINT_HD float sqrt(float x) { return ::sqrtf(x); }
ADJOINT_HD double sqrt(double x) { return ::sqrt(x); }
ADJOINT_HD float floor(float x) { return ::floorf(x); }
ADJOINT_HD double floor(double x) { return ::floor(x); }
ADJOINT_HD float ceil(float x) { return ::ceilf(x); }
ADJOINT_HD double ceil(double x) { return ::ceil(x); }
ADJOINT_HD float trunc(float x) { return ::truncf(x); }
ADJOINT_HD double trunc(double x) { return ::trunc(x); }
/// The nearest integer; halves go to the even one.
ADJOINT_HD float round(float x) { return ::rintf(x); }
ADJOINT_HD double round(double x) { return ::rint(x); }

template <typename T> ADJOINT_HD bool isnan(T x) { return x != x; }  // NOLINT(misc-redundant-expression)
ADJOINT_HD bool isinf(float x) { return abs(x) == detail::infinity; }
ADJOINT_HD bool isinf(double x) { return abs(x) == static_cast<double>(detail::infinity); }

ADJOINT_HD float exp(float x) {
    // Beyond these bounds the result is 0 or infinity in any case; a comparison with NaN keeps the NaN.
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    const auto n = detail::nearest(x * 0x1.715476p0f);
    const float r = (x - n.value * detail::ln2_high) - n.value * detail::ln2_low;
    const float y = 1.0f + (r + r * r * detail::exp_tail(r));
    // Two factors, because 2^n itself may be out of range; the first product is exact.
    const std::int32_t half = n.integer >> 1;
    return y * detail::power_of_two(half) * detail::power_of_two(n.integer - half);
}
ADJOINT_HD double exp(double x) { return ::exp(x); }

ADJOINT_HD float exp2(float x) {
    x = x < -151.0f ? -151.0f : x;
    x = x > 129.0f ? 129.0f : x;
    const auto n = detail::nearest(x);
    const float r = x - n.value;
    // 2^r = 1 + r P(r) for |r| <= 1/2; error 2^-29.
    float p = 0x1.448fdep-13f;
    p = p * r + 0x1.5f47aap-10f;
    p = p * r + 0x1.3b29aap-7f;
    p = p * r + 0x1.c6aedp-5f;
    p = p * r + 0x1.ebfbep-3f;
    p = p * r + 0x1.62e43p-1f;
    const float y = 1.0f + r * p;
    const std::int32_t half = n.integer >> 1;
    return y * detail::power_of_two(half) * detail::power_of_two(n.integer - half);
}
ADJOINT_HD double exp2(double x) { return ::exp2(x); }

/// e^x - 1, accurate near 0.
ADJOINT_HD float expm1(float x) {
    float a = x < -20.0f ? -20.0f : x;
    a = a > 89.0f ? 89.0f : a;
    const auto n = detail::nearest(a * 0x1.715476p0f);
    const float high = a - n.value * detail::ln2_high;
    const float r = high - n.value * detail::ln2_low;
    const float r_low = (high - r) - n.value * detail::ln2_low;
    const float tail = r * r * detail::exp_tail(r) + r_low;
    // Half of the result is s (1 + r + tail) - 1/2 with s = 2^(n-1). The sum of the two large terms is kept
    // exactly, since they cancel in part; the half keeps s in range at the upper end.
    const float s = detail::power_of_two(n.integer - 1);
    const float big = s - 0.5f;
    const float sum = big + s * r;
    const float rest = s * r - (sum - big);
    const float y = 2.0f * (sum + (s * tail + rest));
    return abs(x) < 0x1p-24f ? x : y;
}
ADJOINT_HD double expm1(double x) { return ::expm1(x); }

ADJOINT_HD float log(float x) {
    const auto [e, f] = detail::split(x);
    const float tail = f * f * f * detail::log_tail(f) - 0.5f * f * f;
    const float y = e * detail::ln2_high + (f + (tail + e * detail::ln2_low));
    return detail::log_rim(x, y);
}
ADJOINT_HD double log(double x) { return ::log(x); }

ADJOINT_HD float log2(float x) {
    const auto [e, f] = detail::split(x);
    const float tail = f * f * f * detail::log_tail(f) - 0.5f * f * f;
    // log2(e) = 1 + 0.4427: the part with 1 needs no rounding.
    constexpr float fraction = 0x1.c551dap-2f;
    // e + f is kept exactly, since the two cancel in part where e is 1.
    const float sum = e + f;
    const float lost = f - (sum - e);
    const float y = sum + (lost + (tail + (tail * fraction + f * fraction)));
    return detail::log_rim(x, y);
}
ADJOINT_HD double log2(double x) { return ::log2(x); }

/// log(1 + x), accurate near 0.
ADJOINT_HD float log1p(float x) {
    // u + lost = 1 + x exactly; what was lost is put back at the scale of the fraction.
    const float u = 1.0f + x;
    const float added = u - x;
    const float lost = (x - (u - added)) + (1.0f - added);
    const auto [e, fraction] = detail::split(u);
    const float scale = detail::power_of_two(-static_cast<std::int32_t>(e < 127.0f ? e : 127.0f));
    const float f = fraction + lost * scale;
    const float tail = f * f * f * detail::log_tail(f) - 0.5f * f * f;
    const float y = e * detail::ln2_high + (f + (tail + e * detail::ln2_low));
    return x == 0.0f ? x : detail::log_rim(u, y);  // keeps the sign of 0
}
ADJOINT_HD double log1p(double x) { return ::log1p(x); }

ADJOINT_HD float tanh(float x) {
    const float a = abs(x);
    const float z = x * x;
    // (tanh(x) - x) / x^3 in x^2 for |x| <= 0.625; error 2^-27.
    float p = -0x1.76b3ccp-8f;
    p = p * z + 0x1.5258cap-6f;
    p = p * z - 0x1.b844a2p-5f;
    p = p * z + 0x1.11076cp-3f;
    p = p * z - 0x1.555534p-2f;
    const float near_zero = a + a * (z * p);
    const float limited = a > 10.0f ? 10.0f : a;
    const float far = 1.0f - 2.0f / (exp(2.0f * limited) + 1.0f);
    return ::copysignf(a < 0.625f ? near_zero : far, x);
}
ADJOINT_HD double tanh(double x) { return ::tanh(x); }

/// 1 / (1 + e^-x), accurate down to the smallest numbers.
template <typename T> ADJOINT_HD T sigmoid(T x) {
    const T z = exp(-abs(x));
    return (x < T(0) ? z : T(1)) / (T(1) + z);
}

/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
ADJOINT_HD float erf(float x) {
    const float a = abs(x);
    const float z = x * x;
    // erf(x) / x - 1 in x^2 for |x| <= 0.95; error 2^-30.
    float p = 0x1.58947ap-14f;
    p = p * z - 0x1.a8fc7p-11f;
    p = p * z + 0x1.54a492p-8f;
    p = p * z - 0x1.b80b0ep-6f;
    p = p * z + 0x1.ce2de2p-4f;
    p = p * z - 0x1.812742p-2f;
    p = p * z + 0x1.06eba8p-3f;
    const float near_zero = a + a * p;
    // -log(1 - erf(x)) for 0.95 <= x <= 4; error 2^-29 of the result. Beyond 4 the result rounds to 1.
    const float limited = a > 4.0f ? 4.0f : a;
    float q = -0x1.919c44p-13f;
    q = q * limited + 0x1.892772p-9f;
    q = q * limited - 0x1.694c9p-6f;
    q = q * limited + 0x1.a835a4p-4f;
    q = q * limited + 0x1.467388p-1f;
    q = q * limited + 0x1.209efep0f;
    q = q * limited + 0x1.0cebecp-12f;
    const float far = 1.0f - exp(-q);
    return ::copysignf(a < 0.95f ? near_zero : far, x);
}
ADJOINT_HD double erf(double x) { return ::erf(x); }

struct SinCos {
    float sin;
    float cos;
};
/// Sine and cosine of 2 pi u for 0 <= u <= 1: the angle as a share of a full turn, which reduces exactly.
ADJOINT_HD SinCos sincos_turn(float u) {
    const auto quarter = detail::nearest(4.0f * u);
    const float t = u - 0.25f * quarter.value;
    const float z = t * t;
    // sin(2 pi t) / t less the float next to 2 pi, in t^2 for |t| <= 1/8; error 2^-37.
    float p = 0x1.4bc89ap5f;
    p = p * z - 0x1.32ca9ep6f;
    p = p * z + 0x1.466bbap6f;
    p = p * z - 0x1.4abbcep5f;
    p = p * z - 0x1.778948p-23f;
    const float s = t * 0x1.921fb6p2f + t * p;
    // (cos(2 pi t) - 1) / t^2 in t^2; error 2^-34.
    float q = 0x1.d9f892p5f;
    q = q * z - 0x1.55c668p6f;
    q = q * z + 0x1.03c1dep6f;
    q = q * z - 0x1.3bd3ccp4f;
    const float c = 1.0f + z * q;
    const bool swapped = (quarter.integer & 1) != 0;
    const float sine = swapped ? c : s;
    const float cosine = swapped ? s : c;
    // Quarter turns 2 and 3 turn the sine's sign, 1 and 2 the cosine's.
    return {(quarter.integer & 2) != 0 ? -sine : sine, ((quarter.integer + 1) & 2) != 0 ? -cosine : cosine};
}

// The rare ones: double's result is rounded, so the float result is the nearest float in all but about one
// case in 10^8, whichever C library computed it.
#define ADJOINT_MATH_THROUGH_DOUBLE(name)                  \
    ADJOINT_HD double name(double x) { return ::name(x); } \
    ADJOINT_HD float name(float x) { return static_cast<float>(::name(static_cast<double>(x))); }
ADJOINT_MATH_THROUGH_DOUBLE(log10)
ADJOINT_MATH_THROUGH_DOUBLE(erfc)
ADJOINT_MATH_THROUGH_DOUBLE(sin)
ADJOINT_MATH_THROUGH_DOUBLE(cos)
ADJOINT_MATH_THROUGH_DOUBLE(tan)
ADJOINT_MATH_THROUGH_DOUBLE(asin)
ADJOINT_MATH_THROUGH_DOUBLE(acos)
ADJOINT_MATH_THROUGH_DOUBLE(atan)
ADJOINT_MATH_THROUGH_DOUBLE(sinh)
ADJOINT_MATH_THROUGH_DOUBLE(cosh)
ADJOINT_MATH_THROUGH_DOUBLE(asinh)
ADJOINT_MATH_THROUGH_DOUBLE(acosh)
ADJOINT_MATH_THROUGH_DOUBLE(atanh)
#undef ADJOINT_MATH_THROUGH_DOUBLE

ADJOINT_HD double pow(double x, double y) { return ::pow(x, y); }
ADJOINT_HD float pow(float x, float y) {
    return static_cast<float>(::pow(static_cast<double>(x), static_cast<double>(y)));
}
/// Of integers; a negative power is that of 1 / x cut to an integer, with 1 / 0 as 0. Overflow wraps.
ADJOINT_HD std::int64_t pow(std::int64_t x, std::int64_t y) {
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
    std::uint64_t power = 1, square = static_cast<std::uint64_t>(x);
    for (; y > 0; y >>= 1) {
        if (y & 1) power *= square;
        square *= square;
    }
    return static_cast<std::int64_t>(power);
}
/// The angle of the point (x, y), in (-pi, pi].
ADJOINT_HD double atan2(double y, double x) { return ::atan2(y, x); }
ADJOINT_HD float atan2(float y, float x) {
    return static_cast<float>(::atan2(static_cast<double>(y), static_cast<double>(x)));
}

}  // namespace adjoint::math
