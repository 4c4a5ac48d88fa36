// The one generator of the library: Philox4x32-10, where a number is a function of (seed, stream, element
// index), so that any device and any number of threads draw the same numbers; and a keyed shuffle made of it.
//
// Element i of a stream takes word i % 4 of block i / 4; a double takes the words of elements 2i and 2i + 1.
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/math.h>

namespace adjoint {

/// Four random words: one block of a stream.
struct Philox4 {
    std::uint32_t v[4];
};

/// Philox4x32-10 with ten rounds on a given counter and key.
/// source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011.
ADJOINT_HD Philox4 philox4x32_10(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                                 std::uint32_t k0, std::uint32_t k1) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = static_cast<std::uint64_t>(0xD2511F53u) * c0;
        const std::uint64_t p1 = static_cast<std::uint64_t>(0xCD9E8D57u) * c2;
        c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
        c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
        c1 = static_cast<std::uint32_t>(p1);
        c3 = static_cast<std::uint32_t>(p0);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

/// Block `block` of the stream `stream` under `seed`.
ADJOINT_HD Philox4 philox(std::uint64_t seed, std::uint64_t stream, std::uint64_t block) {
    return philox4x32_10(static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                         static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32),
                         static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
}

/// Uniform in [0, 1): the upper 24 bits of the word.
ADJOINT_HD float uniform_float(std::uint32_t word) {
    return static_cast<float>(static_cast<std::int32_t>(word >> 8)) * 0x1p-24f;
}

/// Uniform in [0, 1): the upper 53 bits of the two words.
ADJOINT_HD double uniform_double(std::uint32_t high, std::uint32_t low) {
    const std::uint64_t word = (static_cast<std::uint64_t>(high) << 32) | low;
    return static_cast<double>(static_cast<std::int64_t>(word >> 11)) * 0x1p-53;
}

/// Uniform in [low, high): 64 random bits, scaled.
ADJOINT_HD std::int64_t uniform_integer(std::uint32_t high_word, std::uint32_t low_word, std::int64_t low,
                                        std::int64_t high) {
    __extension__ using Wide = unsigned __int128;
    const auto width = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t word = (static_cast<std::uint64_t>(high_word) << 32) | low_word;
    const auto scaled = static_cast<std::uint64_t>((Wide{word} * width) >> 64);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + scaled);
}

/// What dropout does to an element, by the element's random word; compared as integers of 24 bits.
struct DropoutRule {
    std::uint32_t limit;
    double scale;
    ADJOINT_HD explicit DropoutRule(double p)
        : limit(static_cast<std::uint32_t>(p * 16777216.0)), scale(p < 1 ? 1 / (1 - p) : 0) {}
    template <class T> ADJOINT_HD T value(T x, std::uint32_t word) const {
        return (word >> 8) >= limit ? x * static_cast<T>(scale) : T(0);
    }
};

template <typename T> struct NormalPair { T first, second; };

/// Two independent standard normal numbers from two words: sqrt(-2 log u) times (cos, sin)(2 pi v).
/// source: Box and Muller, Annals of Mathematical Statistics 29, 1958.
ADJOINT_HD NormalPair<float> normal_float(std::uint32_t a, std::uint32_t b) {
    // u lies in (0, 1]: the half keeps the logarithm finite, and u keeps 32 bits near 0 for the tail.
    const float u = (static_cast<float>(static_cast<std::int32_t>(a >> 1)) + 0.5f) * 0x1p-31f;
    const float radius = math::sqrt(-2.0f * math::log(u));
    const auto turn = math::sincos_turn(uniform_float(b));
    return {radius * turn.cos, radius * turn.sin};
}

/// Two independent standard normal numbers from four words, in double.
ADJOINT_HD NormalPair<double> normal_double(const Philox4& words) {
    const double u = uniform_double(words.v[0], words.v[1]) + 0x1p-54;
    const double angle = 6.283185307179586476925 * uniform_double(words.v[2], words.v[3]);
    const double radius = math::sqrt(-2.0 * math::log(u));
    return {radius * math::cos(angle), radius * math::sin(angle)};
}

/// A random permutation of [0, n) that is computed place by place: index(i) is what stands at place i.
/// A Feistel network on the smallest power of two that holds n; a value outside
/// [0, n) walks on along its cycle.
/// source: Black and Rogaway, Ciphers with arbitrary finite domains, CT-RSA 2002.
class IndexShuffle {
  public:
    ADJOINT_HD IndexShuffle(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch) : n_(n) {
        // The stream's last blocks are kept for keys; no tensor is long enough to draw its numbers there.
        const Philox4 a = philox(seed, epoch, ~std::uint64_t{0});
        const Philox4 b = philox(seed, epoch, ~std::uint64_t{1});
        for (int k = 0; k < 4; ++k) key_[k] = a.v[k];
        for (int k = 0; k < 2; ++k) key_[k + 4] = b.v[k];
        int bits = 8;
        while (bits < 64 && (n - 1) >> bits != 0) ++bits;
        low_bits_ = (bits + 1) / 2;
        low_mask_ = (std::uint64_t{1} << low_bits_) - 1;
        high_mask_ = (std::uint64_t{1} << (bits / 2)) - 1;
    }

    /// The index at place i < n.
    ADJOINT_HD std::uint64_t operator()(std::uint64_t i) const {
        do {
            i = permute(i);
        } while (i >= n_);
        return i;
    }

  private:
    ADJOINT_HD std::uint64_t permute(std::uint64_t i) const {
        std::uint64_t low = i & low_mask_;
        std::uint64_t high = i >> low_bits_;
        for (int k = 0; k < rounds; k += 2) {
            high ^= mix(low, key_[k]) & high_mask_;
            low ^= mix(high, key_[k + 1]) & low_mask_;
        }
        return high << low_bits_ | low;
    }

    // A half has at most 32 bits. Two multiplications, each followed by its high bits folded down.
    ADJOINT_HD static std::uint64_t mix(std::uint64_t x, std::uint32_t key) {
        std::uint64_t z = (x ^ key) * 0xD2511F53u;
        z = ((z ^ (z >> 32)) & 0xffffffffu) + key;
        z *= 0xCD9E8D57u;
        z ^= z >> 32;
        return z ^ (z >> 15);
    }

    static constexpr int rounds = 6;
    std::uint64_t n_;
    std::uint64_t low_mask_, high_mask_;
    int low_bits_;
    std::uint32_t key_[rounds];
};

/// What stands at place i < n when [0, n) is shuffled for this epoch.
ADJOINT_HD std::uint64_t shuffled_index(std::uint64_t i, std::uint64_t n, std::uint64_t seed,
                                        std::uint64_t epoch) {
    return IndexShuffle(n, seed, epoch)(i);
}

}  // namespace adjoint
