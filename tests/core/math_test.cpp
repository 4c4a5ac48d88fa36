// Tests of the scalar functions against long double: a sample of all floats, and the neighbourhoods of the
// places where a formula changes or a result leaves the range.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <adjoint/core/contract/math.h>

namespace adjoint {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

// Every 4001st bit pattern, and the neighbours of special values of both signs.
const std::vector<float>& samples() {
    static const std::vector<float> all = [] {
        std::vector<float> v;
        for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 4001) {
            v.push_back(bit_cast<float>(static_cast<std::uint32_t>(bits)));
        }
        for (const float centre : {0.0f,        0x1p-149f,
                                   0x1p-126f,   0x1p-25f,
                                   0x1p-24f,    0x1p-12f,
                                   0.3465736f,  0.625f,
                                   0.66666667f, 0.70710678f,
                                   0.95f,       1.0f,
                                   1.3333333f,  1.4142135f,
                                   2.0f,        4.0f,
                                   9.01f,       10.0f,
                                   17.32868f,   20.0f,
                                   88.72284f,   89.0f,
                                   87.33655f,   103.97208f,
                                   104.0f,      126.0f,
                                   127.0f,      128.0f,
                                   149.0f,      150.0f,
                                   0x1p23f,     0x1p24f,
                                   0x1p31f,     0x1p32f,
                                   0x1p64f,     0x1p126f,
                                   0x1p127f,    std::numeric_limits<float>::max(),
                                   infinity,    nan_value}) {
            const auto middle = bit_cast<std::uint32_t>(centre);
            for (std::uint32_t k = 0; k < 257; ++k) {
                const float x = bit_cast<float>(middle + k - (middle >= 128 ? 128 : 0));
                v.push_back(x);
                v.push_back(-x);
            }
        }
        return v;
    }();
    return all;
}

// The distance of `got` from `expected`, in units of the last place of a float of that size.
long double error_in_ulp(float got, long double expected) {
    const auto nearest = static_cast<float>(expected);
    if (std::isnan(got) || std::isnan(nearest)) return std::isnan(got) == std::isnan(nearest) ? 0 : HUGE_VALL;
    if (std::isinf(got) && got == nearest) return 0;
    // A value next to the largest float may round to infinity, whose place is then 2^128.
    const long double value = std::isinf(got) ? std::copysign(0x1p128L, static_cast<long double>(got)) : got;
    const int exponent = expected == 0 ? -126 : std::max(std::ilogb(expected), -126);
    return std::abs(value - expected) / std::ldexp(1.0L, exponent - 23);
}

template <typename Ours, typename Reference>
void check(Ours ours, Reference reference, long double bound, std::size_t step = 1) {
    long double worst = -1;
    float worst_x = 0;
    for (std::size_t i = 0; i < samples().size(); i += step) {
        const float x = samples()[i];
        const long double error = error_in_ulp(ours(x), reference(static_cast<long double>(x)));
        if (!(error <= worst)) {
            worst = error;
            worst_x = x;
        }
    }
    EXPECT_LE(worst, bound) << std::hexfloat << worst_x;
}

TEST(Math, exp) {
    check([](float x) { return math::exp(x); }, [](long double x) { return std::exp(x); }, 1.1L);
}
TEST(Math, exp2) {
    check([](float x) { return math::exp2(x); }, [](long double x) { return std::exp2(x); }, 1.2L);
}
TEST(Math, expm1) {
    check([](float x) { return math::expm1(x); }, [](long double x) { return std::expm1(x); }, 1.2L);
}
TEST(Math, log) {
    check([](float x) { return math::log(x); }, [](long double x) { return std::log(x); }, 0.9L);
}
TEST(Math, log1p) {
    check([](float x) { return math::log1p(x); }, [](long double x) { return std::log1p(x); }, 1.6L);
}
TEST(Math, log2) {
    check([](float x) { return math::log2(x); }, [](long double x) { return std::log2(x); }, 1.5L);
}
TEST(Math, tanh) {
    check([](float x) { return math::tanh(x); }, [](long double x) { return std::tanh(x); }, 1.4L);
}
TEST(Math, sigmoid) {
    check([](float x) { return math::sigmoid(x); },
          [](long double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); },
          2.5L);
}
TEST(Math, erf) {
    check([](float x) { return math::erf(x); }, [](long double x) { return std::erf(x); }, 1.4L);
}

#define ADJOINT_TEST_ROUNDED(name)                                                                       \
    TEST(Math, name) {                                                                                   \
        check([](float x) { return math::name(x); }, [](long double x) { return std::name(x); }, 0.501L, \
              19);                                                                                       \
    }
ADJOINT_TEST_ROUNDED(log10)
ADJOINT_TEST_ROUNDED(erfc)
ADJOINT_TEST_ROUNDED(asin)
ADJOINT_TEST_ROUNDED(acos)
ADJOINT_TEST_ROUNDED(atan)
ADJOINT_TEST_ROUNDED(sinh)
ADJOINT_TEST_ROUNDED(cosh)
ADJOINT_TEST_ROUNDED(asinh)
ADJOINT_TEST_ROUNDED(acosh)
ADJOINT_TEST_ROUNDED(atanh)
ADJOINT_TEST_ROUNDED(sqrt)
ADJOINT_TEST_ROUNDED(floor)
ADJOINT_TEST_ROUNDED(ceil)
ADJOINT_TEST_ROUNDED(trunc)
ADJOINT_TEST_ROUNDED(abs)
#undef ADJOINT_TEST_ROUNDED

// x87's own argument reduction is good only for small angles, so these are held to a range.
TEST(Math, sin_cos_tan) {
    for (int i = -20000; i <= 20000; ++i) {
        const float x = static_cast<float>(i) * 0.0031f;
        const auto wide = static_cast<long double>(x);
        ASSERT_LE(error_in_ulp(math::sin(x), std::sin(wide)), 0.501L) << x;
        ASSERT_LE(error_in_ulp(math::cos(x), std::cos(wide)), 0.501L) << x;
        ASSERT_LE(error_in_ulp(math::tan(x), std::tan(wide)), 0.501L) << x;
    }
    EXPECT_TRUE(math::isnan(math::sin(infinity)));
}

TEST(Math, pow_and_atan2) {
    for (float x = 0.01f; x < 50; x *= 1.17f) {
        for (float y = -9; y < 9; y += 0.37f) {
            const auto wide_x = static_cast<long double>(x);
            const auto wide_y = static_cast<long double>(y);
            ASSERT_LE(error_in_ulp(math::pow(x, y), std::pow(wide_x, wide_y)), 0.501L);
            ASSERT_LE(error_in_ulp(math::atan2(y, -x), std::atan2(wide_y, -wide_x)), 0.501L);
        }
    }
    EXPECT_EQ(math::pow(-2.0f, 3.0f), -8.0f);
    EXPECT_TRUE(math::isnan(math::pow(-2.0f, 0.5f)));
}

TEST(Math, sincos_turn) {
    constexpr long double two_pi = 6.283185307179586476925286766559L;
    for (int i = 0; i <= 1 << 20; ++i) {
        const float u = static_cast<float>(i) * 0x1p-20f;
        const auto got = math::sincos_turn(u);
        const long double angle = two_pi * static_cast<long double>(u);
        // An absolute bound, since the reference's own angle is rounded where the result crosses 0.
        ASSERT_NEAR(static_cast<double>(got.sin), static_cast<double>(std::sin(angle)), 0x1.4p-24) << u;
        ASSERT_NEAR(static_cast<double>(got.cos), static_cast<double>(std::cos(angle)), 0x1.4p-24) << u;
    }
    EXPECT_EQ(math::sincos_turn(0.5f).sin, 0.0f);
    EXPECT_EQ(math::sincos_turn(0.25f).cos, 0.0f);
    EXPECT_EQ(math::sincos_turn(0.75f).sin, -1.0f);
    EXPECT_EQ(math::sincos_turn(1.0f).cos, 1.0f);
}

TEST(Math, special_values) {
    EXPECT_EQ(math::exp(-infinity), 0.0f);
    EXPECT_EQ(math::exp(infinity), infinity);
    EXPECT_EQ(math::exp(0.0f), 1.0f);
    EXPECT_EQ(math::exp(-103.0f), std::exp(-103.0f));  // a subnormal
    EXPECT_EQ(math::exp2(-149.0f), 0x1p-149f);
    EXPECT_EQ(math::expm1(-infinity), -1.0f);
    EXPECT_EQ(math::expm1(infinity), infinity);
    EXPECT_EQ(math::log(0.0f), -infinity);
    EXPECT_EQ(math::log(-0.0f), -infinity);
    EXPECT_EQ(math::log(1.0f), 0.0f);
    EXPECT_EQ(math::log(infinity), infinity);
    EXPECT_TRUE(math::isnan(math::log(-1.0f)));
    EXPECT_TRUE(math::isnan(math::log2(-infinity)));
    EXPECT_EQ(math::log2(0x1p-149f), -149.0f);
    EXPECT_EQ(math::log1p(-1.0f), -infinity);
    EXPECT_EQ(math::log1p(infinity), infinity);
    EXPECT_TRUE(math::isnan(math::log1p(-1.5f)));
    EXPECT_EQ(math::tanh(infinity), 1.0f);
    EXPECT_EQ(math::tanh(-infinity), -1.0f);
    EXPECT_EQ(math::sigmoid(infinity), 1.0f);
    EXPECT_EQ(math::sigmoid(-infinity), 0.0f);
    EXPECT_EQ(math::sigmoid(0.0f), 0.5f);
    EXPECT_EQ(math::sigmoid(0.0), 0.5);
    EXPECT_EQ(math::erf(infinity), 1.0f);
    EXPECT_EQ(math::erf(-infinity), -1.0f);
    using Function = float (*)(float);
    for (const Function f :
         {Function([](float x) { return math::expm1(x); }), Function([](float x) { return math::log1p(x); }),
          Function([](float x) { return math::tanh(x); }), Function([](float x) { return math::erf(x); })}) {
        EXPECT_EQ(f(0.0f), 0.0f);
        EXPECT_FALSE(std::signbit(f(0.0f)));
        EXPECT_TRUE(std::signbit(f(-0.0f)));
    }
}

TEST(Math, rounding_and_classes) {
    EXPECT_EQ(math::round(0.5f), 0.0f);
    EXPECT_EQ(math::round(1.5f), 2.0f);
    EXPECT_EQ(math::round(-2.5), -2.0);
    EXPECT_TRUE(math::isnan(nan_value));
    EXPECT_FALSE(math::isnan(infinity));
    EXPECT_TRUE(math::isinf(-infinity));
    EXPECT_FALSE(math::isinf(nan_value));
    EXPECT_FALSE(math::isinf(std::numeric_limits<double>::max()));
}

TEST(Math, double_versions) {
    EXPECT_EQ(math::exp(1.5), std::exp(1.5));
    EXPECT_EQ(math::expm1(1e-9), std::expm1(1e-9));
    EXPECT_EQ(math::log1p(1e-9), std::log1p(1e-9));
    EXPECT_EQ(math::erfc(2.5), std::erfc(2.5));
    EXPECT_EQ(math::tanh(0.3), std::tanh(0.3));
    EXPECT_EQ(math::log2(10.0), std::log2(10.0));
}

// A vectorised loop gives the bits of single calls.
TEST(Math, loops_give_the_bits_of_single_calls) {
    std::vector<float> x, y(100000);
    const std::size_t step = samples().size() / y.size();
    for (std::size_t i = 0; i < y.size(); ++i) x.push_back(samples()[i * step]);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = math::exp(x[i]) + math::erf(x[i]) * math::log(x[i]);
    for (std::size_t i = 0; i < y.size(); ++i) {
        volatile float v = x[i];
        const float single = math::exp(v) + math::erf(v) * math::log(v);
        if (!math::isnan(single))
            ASSERT_EQ(bit_cast<std::uint32_t>(y[i]), bit_cast<std::uint32_t>(single));
        else
            ASSERT_TRUE(math::isnan(y[i]));
    }
}

}  // namespace
}  // namespace adjoint
