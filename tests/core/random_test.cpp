// Tests of the generator against the published vectors, of its conversions, and of the keyed shuffle.
#include <cmath>
#include <cstdint>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <adjoint/core/contract/random.h>

namespace adjoint {
namespace {

void expect_words(const Philox4& got, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    EXPECT_EQ(got.v[0], a);
    EXPECT_EQ(got.v[1], b);
    EXPECT_EQ(got.v[2], c);
    EXPECT_EQ(got.v[3], d);
}

// Known answers of the Random123 distribution for Philox4x32-10.
TEST(Philox, known_answers) {
    constexpr std::uint32_t f = 0xffffffffu;
    expect_words(philox4x32_10(0, 0, 0, 0, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    expect_words(philox4x32_10(f, f, f, f, f, f), 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    expect_words(philox4x32_10(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0),
                 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}

TEST(Philox, counter_is_block_then_stream_and_key_is_seed) {
    const auto got = philox(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u);
    expect_words(got, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}

TEST(Uniform, ends_of_the_interval) {
    EXPECT_EQ(uniform_float(0), 0.0f);
    EXPECT_EQ(uniform_float(0x100), 0x1p-24f);
    EXPECT_EQ(uniform_float(0xffffffffu), 1.0f - 0x1p-24f);
    EXPECT_EQ(uniform_double(0, 0x800), 0x1p-53);
    EXPECT_EQ(uniform_double(0x80000000u, 0), 0.5);
    EXPECT_EQ(uniform_double(0xffffffffu, 0xffffffffu), 1.0 - 0x1p-53);
}

template <typename T, typename F> void check_normal(F pair) {
    constexpr int pairs = 200000;
    double moments[4] = {};
    double product = 0;
    int beyond_3 = 0;
    for (int i = 0; i < pairs; ++i) {
        const NormalPair<T> p = pair(philox(7, 3, static_cast<std::uint64_t>(i)));
        product += static_cast<double>(p.first * p.second);
        for (const T x : {p.first, p.second}) {
            double power = 1;
            for (double& m : moments) m += power *= static_cast<double>(x);
            beyond_3 += std::abs(x) > T(3) ? 1 : 0;
        }
    }
    const double n = 2 * pairs;
    // Five standard deviations of each statistic.
    EXPECT_NEAR(moments[0] / n, 0, 5 * std::sqrt(1 / n));
    EXPECT_NEAR(moments[1] / n, 1, 5 * std::sqrt(2 / n));
    EXPECT_NEAR(moments[2] / n, 0, 5 * std::sqrt(15 / n));
    EXPECT_NEAR(moments[3] / n, 3, 5 * std::sqrt(96 / n));
    EXPECT_NEAR(product / pairs, 0, 5 * std::sqrt(1.0 / pairs));
    EXPECT_NEAR(beyond_3 / n, 0.0026998, 5 * std::sqrt(0.0027 / n));
}

TEST(Normal, moments_float) {
    check_normal<float>([](const Philox4& w) { return normal_float(w.v[0], w.v[1]); });
}
TEST(Normal, moments_double) {
    check_normal<double>([](const Philox4& w) { return normal_double(w); });
}

TEST(Normal, is_finite_at_the_ends) {
    for (const std::uint32_t a : {0u, 1u, 2u, 0x7fffffffu, 0xffffffffu}) {
        for (const std::uint32_t b : {0u, 0x40000000u, 0x80000000u, 0xffffffffu}) {
            const auto p = normal_float(a, b);
            EXPECT_TRUE(std::isfinite(p.first) && std::isfinite(p.second)) << a << ' ' << b;
            const auto q = normal_double({{a, a, b, b}});
            EXPECT_TRUE(std::isfinite(q.first) && std::isfinite(q.second)) << a << ' ' << b;
        }
    }
    EXPECT_GT(normal_float(0, 0).first, 6.5f);
}

std::vector<std::uint64_t> permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t epoch) {
    std::vector<std::uint64_t> p(n);
    const IndexShuffle shuffle(n, seed, epoch);
    for (std::uint64_t i = 0; i < n; ++i) p[i] = shuffle(i);
    return p;
}

TEST(Shuffle, is_a_bijection) {
    for (const std::uint64_t n : {1, 2, 3, 5, 7, 64, 65, 255, 256, 257, 1000, 4097, 60000, 1000003}) {
        for (const std::uint64_t epoch : {0, 1, 9}) {
            std::vector<bool> seen(n);
            const IndexShuffle shuffle(n, 42, epoch);
            for (std::uint64_t i = 0; i < n; ++i) {
                const auto j = shuffle(i);
                ASSERT_LT(j, n);
                ASSERT_FALSE(seen[j]) << n << ' ' << i;
                seen[j] = true;
            }
        }
    }
}

TEST(Shuffle, holds_for_sizes_beyond_32_bits) {
    for (const int bits : {33, 40, 63}) {
        const std::uint64_t n = (std::uint64_t{1} << bits) + 12345;
        double mean = 0;
        for (std::uint64_t i = 0; i < 4096; ++i) {
            const auto j = shuffled_index(i, n, 1, 2);
            ASSERT_LT(j, n);
            mean += static_cast<double>(j) / static_cast<double>(n) / 4096;
        }
        EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / 4096));
    }
}

// Distance of chi-square from its mean in standard deviations.
double chi_square_deviation(const std::vector<double>& counts, double expected) {
    double sum = 0;
    for (const double c : counts) sum += (c - expected) * (c - expected) / expected;
    const auto freedom = static_cast<double>(counts.size() - 1);
    return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(Shuffle, every_element_comes_to_every_place_equally_often) {
    for (const std::uint64_t n : {3, 5, 16, 33, 64, 100}) {
        const int epochs = 20000;
        std::vector<double> counts(n * n);
        for (int e = 0; e < epochs; ++e) {
            const auto p = permutation(n, 5, static_cast<std::uint64_t>(e));
            for (std::uint64_t i = 0; i < n; ++i) counts[i * n + p[i]] += 1;
        }
        EXPECT_LT(chi_square_deviation(counts, epochs / static_cast<double>(n)), 5) << n;
    }
}

TEST(Shuffle, neighbours_fall_apart) {
    // The step between neighbouring places, modulo n, takes every value except 0 equally often.
    for (const std::uint64_t n : {5, 64, 1001, 60001}) {
        std::vector<double> steps(n < 1000 ? n - 1 : 100);
        const std::uint64_t total = 500000;
        for (std::uint64_t e = 0; e < total / n; ++e) {
            const IndexShuffle shuffle(n, 11, e);
            std::uint64_t before = shuffle(0);
            for (std::uint64_t i = 1; i < n; ++i) {
                const auto now = shuffle(i);
                const auto step = (now + n - before) % n;
                steps[(step - 1) * steps.size() / (n - 1)] += 1;
                before = now;
            }
        }
        double sum = 0;
        for (const double s : steps) sum += s;
        EXPECT_LT(chi_square_deviation(steps, sum / static_cast<double>(steps.size())), 5) << n;
    }
}

TEST(Shuffle, all_orders_of_few_elements_occur) {
    std::map<std::vector<std::uint64_t>, double> orders;
    const int epochs = 60000;
    for (int e = 0; e < epochs; ++e) orders[permutation(5, 3, static_cast<std::uint64_t>(e))] += 1;
    EXPECT_EQ(orders.size(), 120u);
    for (const auto& [order, count] : orders) {
        EXPECT_GT(count, epochs / 120 / 2);
        EXPECT_LT(count, epochs / 120 * 2);
    }
}

TEST(Shuffle, depends_on_seed_and_epoch) {
    const auto p = permutation(1000, 1, 1);
    EXPECT_EQ(shuffled_index(17, 1000, 1, 1), p[17]);
    for (const auto& other : {permutation(1000, 1, 2), permutation(1000, 2, 1)}) {
        int same = 0;
        for (std::size_t i = 0; i < p.size(); ++i) same += p[i] == other[i] ? 1 : 0;
        EXPECT_LT(same, 8);  // one on average
    }
}

}  // namespace
}  // namespace adjoint
