// The two 16-bit floating-point storage types: IEEE binary16 and bfloat16. Arithmetic is done in float.
#pragma once

#include <cstdint>

#include <adjoint/core/base/bit_cast.h>
#include <adjoint/core/base/export.h>

namespace adjoint {

/// IEEE binary16: 1 sign, 5 exponent and 10 mantissa bits.
/// Conversion from float rounds to nearest even; too large becomes infinity, NaN stays NaN.
struct half {
    std::uint16_t bits;

    half() = default;
    ADJOINT_HD explicit half(float x) : bits(encode(x)) {}
    ADJOINT_HD operator float() const { return decode(bits); }

    /// The number whose pattern of bits this is.
    ADJOINT_HD static half from_bits(std::uint16_t bits) {
        half h;
        h.bits = bits;
        return h;
    }

  private:
    // Both directions compute every case and select, so that loops over them vectorise.
    ADJOINT_HD static std::uint16_t encode(float x) {
        const auto u = bit_cast<std::uint32_t>(x);
        const std::uint32_t a = u & 0x7fffffffu;
        // Rebias the exponent by 127 - 15 = 112 and round to even on the 13 bits that fall off; a carry moves
        // into the exponent and makes infinity of what is 65520 or more.
        const std::uint32_t normal = (a - (112u << 23) + 0xfffu + ((a >> 13) & 1u)) >> 13;
        // Below 2^-14: the unit in the last place of 0.5f is 2^-24, as is that of a binary16 subnormal, so
        // the addition does the rounding.
        const std::uint32_t tiny = bit_cast<std::uint32_t>(bit_cast<float>(a) + 0.5f) - 0x3f000000u;
        std::uint32_t r = a < (113u << 23) ? tiny : normal;
        r = a >= (143u << 23) ? 0x7c00u : r;
        r = a > 0x7f800000u ? (0x7e00u | ((a >> 13) & 0x3ffu)) : r;
        return static_cast<std::uint16_t>(r | ((u >> 16) & 0x8000u));
    }

    ADJOINT_HD static float decode(std::uint16_t h) {
        const std::uint32_t a = (h & 0x7fffu) << 13;
        const std::uint32_t exponent = a & (0x1fu << 23);
        const std::uint32_t normal = a + (112u << 23);
        const std::uint32_t special = a + (224u << 23);
        // A subnormal m * 2^-24 is read as 2^-14 * (1 + m / 1024), less 2^-14.
        const auto tiny = bit_cast<std::uint32_t>(bit_cast<float>(a + (113u << 23)) - 0x1p-14f);
        std::uint32_t r = exponent == 0 ? tiny : normal;
        r = exponent == (0x1fu << 23) ? special : r;
        return bit_cast<float>(r | ((h & 0x8000u) << 16));
    }
};

/// The upper half of a float: 1 sign, 8 exponent and 7 mantissa bits.
/// Conversion from float rounds to nearest even; too large becomes infinity, NaN stays NaN.
struct bfloat16 {
    std::uint16_t bits;

    bfloat16() = default;
    ADJOINT_HD explicit bfloat16(float x) : bits(encode(x)) {}
    ADJOINT_HD operator float() const { return bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

    /// The number whose pattern of bits this is.
    ADJOINT_HD static bfloat16 from_bits(std::uint16_t bits) {
        bfloat16 b;
        b.bits = bits;
        return b;
    }

  private:
    ADJOINT_HD static std::uint16_t encode(float x) {
        const auto u = bit_cast<std::uint32_t>(x);
        const std::uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
        const std::uint32_t quiet = (u >> 16) | 0x40u;
        return static_cast<std::uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
    }
};

static_assert(sizeof(half) == 2 && sizeof(bfloat16) == 2);

}  // namespace adjoint
