// Tests of the 16-bit floating-point types: every bit pattern, and rounding against an independent rule.
#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include <adjoint/core/base/half.h>

namespace adjoint {
namespace {

// The value of a 16-bit pattern, from the definition of the format.
double value_of(std::uint16_t bits, int exponent_bits, int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    const int mantissa = bits & ((1 << mantissa_bits) - 1);
    const double sign = (bits & 0x8000) != 0 ? -1 : 1;
    if (exponent == (1 << exponent_bits) - 1) {
        return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * HUGE_VAL;
    }
    const double m = std::ldexp(mantissa, -mantissa_bits);
    return sign * (exponent == 0 ? std::ldexp(m, 1 - bias) : std::ldexp(1 + m, exponent - bias));
}

template <typename T> void check_all_patterns(int exponent_bits, int mantissa_bits) {
    for (std::uint32_t i = 0; i < 65536; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        const double expected = value_of(bits, exponent_bits, mantissa_bits);
        const float got = T::from_bits(bits);
        if (std::isnan(expected)) {
            ASSERT_TRUE(std::isnan(got)) << i;
            ASSERT_TRUE(std::isnan(static_cast<float>(T(got)))) << i;
        } else {
            ASSERT_EQ(static_cast<double>(got), expected) << i;
            ASSERT_EQ(std::signbit(got), (bits & 0x8000) != 0) << i;
            ASSERT_EQ(T(got).bits, bits) << i;
        }
    }
}

// Between two neighbours: below the midpoint goes down, above goes up, the midpoint to the even pattern.
template <typename T> void check_rounding(std::uint16_t largest) {
    for (std::uint16_t bits = 0; bits < largest; ++bits) {
        const auto next = static_cast<std::uint16_t>(bits + 1);
        const float low = T::from_bits(bits);
        const float high = T::from_bits(next);
        const auto middle = static_cast<float>((static_cast<double>(low) + static_cast<double>(high)) / 2);
        const auto even = (bits & 1) == 0 ? bits : next;
        for (const float sign : {1.0f, -1.0f}) {
            const int s = sign < 0 ? 0x8000 : 0;
            ASSERT_EQ(T(sign * middle).bits, s | even) << bits;
            ASSERT_EQ(T(sign * std::nextafterf(middle, 0)).bits, s | bits) << bits;
            ASSERT_EQ(T(sign * std::nextafterf(middle, high)).bits, s | next) << bits;
        }
    }
}

TEST(Half, every_pattern_has_its_value_and_returns) { check_all_patterns<half>(5, 10); }
TEST(Half, rounds_to_nearest_even) { check_rounding<half>(0x7bff); }
TEST(Bfloat16, every_pattern_has_its_value_and_returns) { check_all_patterns<bfloat16>(8, 7); }
TEST(Bfloat16, rounds_to_nearest_even) { check_rounding<bfloat16>(0x7f7f); }

TEST(Half, overflow_and_special_values) {
    EXPECT_EQ(half(65519.996f).bits, 0x7bff);
    EXPECT_EQ(half(65520.0f).bits, 0x7c00);
    EXPECT_EQ(half(-1e30f).bits, 0xfc00);
    EXPECT_EQ(half(std::numeric_limits<float>::denorm_min()).bits, 0);
    EXPECT_EQ(half(0x1p-25f).bits, 0);
    EXPECT_EQ(half(0x1.000002p-25f).bits, 1);
    EXPECT_EQ(bfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
    // A NaN whose payload lies in the bits that fall off must not become infinity.
    EXPECT_TRUE(std::isnan(static_cast<float>(half(bit_cast<float>(0x7f800001u)))));
    EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(bit_cast<float>(0xff800001u)))));
    EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(bit_cast<float>(0x7fffffffu)))));
}

}  // namespace
}  // namespace adjoint
