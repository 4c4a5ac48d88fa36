// Small products on the emulated device: sizes around those of the tiles, factors as they may lie, and what
// is done before and behind them.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include <adjoint/cuda/kernels/small_product.h>

#include "emulated_device.h"

namespace adjoint::cuda_backend {
namespace {

using Values = std::vector<float>;

Values random_values(std::int64_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> between(-1, 1);
    Values values(static_cast<std::size_t>(count));
    std::generate(values.begin(), values.end(), [&] { return between(random); });
    return values;
}

// A product of which each factor may lie transposed, and begin `shift` elements into its memory.
struct Problem {
    std::int32_t m, n, k;
    bool a_transposed, b_transposed;
    std::int32_t shift;

    Values a = random_values(std::int64_t{m} * k + shift, 1),
           b = random_values(std::int64_t{k} * n + shift, 2),
           saved = random_values(std::int64_t{m} * k + shift, 3), bias = random_values(n, 4);

    std::int64_t place_of_a(std::int32_t row, std::int32_t term) const {
        return shift + (a_transposed ? std::int64_t{term} * m + row : std::int64_t{row} * k + term);
    }
    std::int64_t place_of_b(std::int32_t term, std::int32_t column) const {
        return shift + (b_transposed ? std::int64_t{column} * k + term : std::int64_t{term} * n + column);
    }
    double factor_a(std::int32_t row, std::int32_t term) const {
        const auto place = static_cast<std::size_t>(place_of_a(row, term));
        return saved[place] > 0 ? static_cast<double>(a[place]) : 0;
    }
    SmallProduct product(Values& out, Values& sums, Values& row_sums) const {
        SmallProduct p;
        p.out = out.data();
        p.a = {a.data() + shift, a_transposed ? 1 : k, a_transposed ? m : 1};
        p.b = {b.data() + shift, b_transposed ? 1 : n, b_transposed ? k : 1};
        p.m = m;
        p.n = n;
        p.k = k;
        p.relu_of = saved.data() + shift;
        p.a_sums = row_sums.data();
        p.epilogue = {.bias = bias.data(), .activation = Activation::tanh, .sums = sums.data()};
        return p;
    }
};

struct Results {
    Values out, sums, row_sums;
    bool operator==(const Results&) const = default;

    explicit Results(const Problem& p)
        : out(static_cast<std::size_t>(p.m * p.n)),
          sums(out.size()),
          row_sums(static_cast<std::size_t>(p.m)) {}
};

// On a device of so many multiprocessors, which decide on the size of the tiles.
Results run(const Problem& problem, int multiprocessors) {
    Fault fault{};
    const DeviceState device{
        .index = 0, .multiprocessors = multiprocessors, .stream = nullptr, .fault = &fault};
    Results results(problem);
    const SmallProduct product = problem.product(results.out, results.sums, results.row_sums);
    multiply_small(device, "matmul", std::span(&product, 1));
    return results;
}

std::vector<Problem> problems() {
    std::vector<Problem> all;
    for (const auto& [m, n, k] : {std::array{1, 1, 1}, std::array{15, 33, 63}, std::array{16, 32, 64},
                                  std::array{17, 31, 65}, std::array{40, 20, 200}, std::array{2, 70, 128}})
        for (const bool a : {false, true})
            for (const bool b : {false, true})
                for (const int shift : {0, 1}) all.push_back({m, n, k, a, b, shift});
    return all;
}

TEST(SmallProduct, IsThatOfTheFactorsWithAllThatIsAskedFor) {
    for (const Problem& p : problems()) {
        SCOPED_TRACE(testing::Message() << p.m << " x " << p.n << " x " << p.k << ", " << p.a_transposed
                                        << p.b_transposed << ", shift " << p.shift);
        const Results results = run(p, 1000);
        for (std::int32_t row = 0; row < p.m; ++row) {
            double row_sum = 0;
            for (std::int32_t term = 0; term < p.k; ++term) row_sum += p.factor_a(row, term);
            EXPECT_NEAR(results.row_sums[static_cast<std::size_t>(row)], row_sum, 1e-4);
            for (std::int32_t column = 0; column < p.n; ++column) {
                double sum = static_cast<double>(p.bias[static_cast<std::size_t>(column)]);
                for (std::int32_t term = 0; term < p.k; ++term)
                    sum += p.factor_a(row, term) *
                           static_cast<double>(p.b[static_cast<std::size_t>(p.place_of_b(term, column))]);
                const auto place = static_cast<std::size_t>(row * p.n + column);
                ASSERT_NEAR(results.sums[place], sum, 1e-4);
                ASSERT_NEAR(results.out[place], std::tanh(sum), 1e-4);
            }
        }
    }
}

TEST(SmallProduct, HasTheSameBitsWithEitherTileAndWhereverTheFactorsLie) {
    const Problem p{70, 50, 300, false, true, 0}, elsewhere{70, 50, 300, false, true, 1};
    const Results results = run(p, 1000);
    EXPECT_TRUE(run(p, 1) == results);
    Problem moved = elsewhere;
    std::copy(p.a.begin(), p.a.end(), moved.a.begin() + 1);
    std::copy(p.b.begin(), p.b.end(), moved.b.begin() + 1);
    std::copy(p.saved.begin(), p.saved.end(), moved.saved.begin() + 1);
    EXPECT_TRUE(run(moved, 1000) == results);
}

TEST(SmallProduct, TwoInALaunchAreWhatTheyAreAlone) {
    const Problem first{20, 40, 100, true, false, 0}, second{100, 7, 20, false, false, 0};
    const Results alone[] = {run(first, 1000), run(second, 1000)};
    Results both[] = {Results(first), Results(second)};
    const SmallProduct products[] = {first.product(both[0].out, both[0].sums, both[0].row_sums),
                                     second.product(both[1].out, both[1].sums, both[1].row_sums)};
    Fault fault{};
    const DeviceState device{.index = 0, .multiprocessors = 1000, .stream = nullptr, .fault = &fault};
    multiply_small(device, "matmul", products);
    EXPECT_TRUE(both[0] == alone[0]);
    EXPECT_TRUE(both[1] == alone[1]);
}

}  // namespace
}  // namespace adjoint::cuda_backend
