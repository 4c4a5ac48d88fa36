// Draws by probability: their shares at fixed seeds, what the options leave, and what is refused.
#include <adjoint/core/tensor/sampling.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::vector<double> counts(const Tensor& drawn, std::size_t categories) {
    std::vector<double> out(categories);
    for (const std::int64_t one : drawn.to_vector<std::int64_t>()) ++out[static_cast<std::size_t>(one)];
    return out;
}

// Binomial counts: within five standard deviations, at a fixed seed.
void expect_shares(const std::vector<double>& counted, const std::vector<double>& shares, double draws) {
    for (std::size_t i = 0; i < shares.size(); ++i)
        EXPECT_LE(std::abs(counted[i] - draws * shares[i]),
                  5 * std::sqrt(draws * shares[i] * (1 - shares[i])) + 1e-9)
            << "category " << i << ": " << counted[i] << " of " << draws;
}

Tensor repeated(const std::vector<double>& row, std::int64_t times, DType dtype = DType::f32) {
    std::vector<double> all;
    for (std::int64_t i = 0; i < times; ++i) all.insert(all.end(), row.begin(), row.end());
    return tensor(all, {times, static_cast<std::int64_t>(row.size())}, {.dtype = dtype});
}

template <class Error, class F> void expect_refused(F call, std::initializer_list<const char*> parts) {
    try {
        call();
        ADD_FAILURE() << "nothing was refused";
    } catch (const Error& error) {
        for (const char* part : parts)
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
}

TEST(Multinomial, DrawsByTheProbabilities) {
    manual_seed(3);
    for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16}) {
        // Weights need not sum to 1.
        const Tensor p = tensor({1, 0, 3, 4}, {.dtype = dtype});
        const Tensor drawn = multinomial(p, 20000, true);
        EXPECT_EQ(drawn.shape(), (Shape{20000}));
        EXPECT_EQ(drawn.dtype(), DType::i64);
        expect_shares(counts(drawn, 4), {0.125, 0, 0.375, 0.5}, 20000);
    }
}

TEST(Multinomial, EachRowHasItsOwnDraws) {
    manual_seed(4);
    const Tensor drawn = multinomial(tensor({{1, 1, 0}, {0, 1, 3}}), 8000, true);
    EXPECT_EQ(drawn.shape(), (Shape{2, 8000}));
    const std::vector<std::int64_t> all = drawn.to_vector<std::int64_t>();
    std::vector<double> first(3), second(3);
    int equal = 0;
    for (std::size_t i = 0; i < 8000; ++i) {
        ++first[static_cast<std::size_t>(all[i])];
        ++second[static_cast<std::size_t>(all[8000 + i])];
        equal += all[i] == all[8000 + i];
    }
    expect_shares(first, {0.5, 0.5, 0}, 8000);
    expect_shares(second, {0, 0.25, 0.75}, 8000);
    // Independent rows agree where both draw 1.
    EXPECT_NEAR(equal, 1000, 5 * std::sqrt(8000 * 0.125 * 0.875));
}

TEST(Multinomial, WithoutReplacementNoneComesTwice) {
    manual_seed(5);
    const Tensor drawn = multinomial(repeated({5, 1, 0, 1, 1}, 4000), 4);
    const std::vector<std::int64_t> all = drawn.to_vector<std::int64_t>();
    double first = 0, second = 0;
    for (std::size_t i = 0; i < all.size(); i += 4) {
        const std::set<std::int64_t> row(all.begin() + static_cast<std::ptrdiff_t>(i),
                                         all.begin() + static_cast<std::ptrdiff_t>(i) + 4);
        EXPECT_EQ(row, (std::set<std::int64_t>{0, 1, 3, 4}));
        first += all[i] == 0;
        second += all[i + 1] == 0;
    }
    // The first draw takes 0 with 5/8; else it has 5/7 in the second.
    EXPECT_NEAR(first, 4000 * 5.0 / 8, 5 * std::sqrt(4000 * 5.0 / 8 * 3 / 8));
    const double share = 3.0 / 8 * 5 / 7;
    EXPECT_NEAR(second, 4000 * share, 5 * std::sqrt(4000 * share * (1 - share)));
}

TEST(Multinomial, IsAFunctionOfTheSeed) {
    const Tensor p = full({50}, 1);
    manual_seed(8);
    const auto once = multinomial(p, 50).to_vector<std::int64_t>();
    const auto next = multinomial(p, 50).to_vector<std::int64_t>();
    manual_seed(8);
    EXPECT_EQ(multinomial(p, 50).to_vector<std::int64_t>(), once);
    EXPECT_NE(once, next);
}

TEST(Multinomial, RefusesWhatIsNoDistribution) {
    EXPECT_THROW(multinomial(ones({2}), std::numeric_limits<std::int64_t>::max(), true), OutOfMemoryError);
    expect_refused<ValueError>(
        [] {
            multinomial(tensor({{1, 1}, {1, -0.5}}), 1);
        },
        {"multinomial", "element 1 of row 1", "-0.5"});
    expect_refused<ValueError>([] { multinomial(tensor({1, NAN}), 1, true); }, {"element 1 of row 0", "nan"});
    expect_refused<ValueError>([] { multinomial(tensor({1, inf}), 1, true); }, {"inf"});
    expect_refused<ValueError>(
        [] {
            multinomial(tensor({{1, 1}, {0, 0}}), 1, true);
        },
        {"row 1", "sums to 0"});
    expect_refused<ValueError>(
        [] {
            multinomial(tensor({1, 0, 1}), 3);
        },
        {"3 of the 2 positive", "with replacement"});
    EXPECT_THROW(multinomial(tensor({1, 1}), 0), ValueError);
    EXPECT_THROW(multinomial(tensor<std::int64_t>({1, 1}, {2}), 1), DTypeError);
    EXPECT_THROW(multinomial(full({}, 1), 1), ShapeError);
    EXPECT_THROW(multinomial(ones({2, 2, 2}), 1), ShapeError);
    EXPECT_THROW(multinomial(ones({2, 0}), 1), ShapeError);
    EXPECT_EQ(multinomial(ones({0, 3}), 2).shape(), (Shape{0, 2}));
}

const std::vector<double> log_shares{std::log(0.5), std::log(0.125), std::log(0.25), std::log(0.125)};

TEST(SampleCategorical, IsSoftmax) {
    manual_seed(6);
    const Tensor drawn = sample_categorical(repeated(log_shares, 20000, DType::f64));
    EXPECT_EQ(drawn.shape(), (Shape{20000}));
    expect_shares(counts(drawn, 4), {0.5, 0.125, 0.25, 0.125}, 20000);
    EXPECT_EQ(sample_categorical(tensor({0, 1})).shape(), Shape{});
    EXPECT_EQ(sample_categorical(zeros({2, 3, 5})).shape(), (Shape{2, 3}));
    // One that is impossible does not come; large ones do not overflow.
    expect_shares(counts(sample_categorical(repeated({1e300, 1e300, -inf}, 4000, DType::f64)), 3),
                  {0.5, 0.5, 0}, 4000);
}

TEST(SampleCategorical, TemperatureSharpensAndFlattens) {
    manual_seed(7);
    // Squares of the shares, and their roots.
    const double squares = 0.25 + 0.0625 + 2 * 0.015625, root = std::sqrt(0.5) + 0.5 + 2 * std::sqrt(0.125);
    expect_shares(counts(sample_categorical(repeated(log_shares, 20000), {.temperature = 0.5}), 4),
                  {0.25 / squares, 0.015625 / squares, 0.0625 / squares, 0.015625 / squares}, 20000);
    expect_shares(counts(sample_categorical(repeated(log_shares, 20000), {.temperature = 2}), 4),
                  {std::sqrt(0.5) / root, std::sqrt(0.125) / root, 0.5 / root, std::sqrt(0.125) / root},
                  20000);
    const Tensor greedy = sample_categorical(tensor({{1, 3, 3}, {2, 0, -inf}}), {.temperature = 0});
    EXPECT_EQ(greedy.to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 0}));
}

TEST(SampleCategorical, TopKAndTopPLeaveTheLargest) {
    manual_seed(9);
    const Tensor logits = repeated(log_shares, 8000, DType::f16);
    expect_shares(counts(sample_categorical(logits, {.top_k = 2}), 4), {2.0 / 3, 0, 1.0 / 3, 0}, 8000);
    // Of equal ones the first.
    expect_shares(counts(sample_categorical(logits, {.top_k = 3}), 4), {4.0 / 7, 1.0 / 7, 2.0 / 7, 0}, 8000);
    // 0.5 is not enough for 0.6, 0.5 + 0.25 is.
    expect_shares(counts(sample_categorical(logits, {.top_p = 0.6}), 4), {2.0 / 3, 0, 1.0 / 3, 0}, 8000);
    expect_shares(counts(sample_categorical(logits, {.top_p = 1e-9}), 4), {1, 0, 0, 0}, 8000);
    // Among the two that top_k leaves the first has two thirds.
    expect_shares(counts(sample_categorical(logits, {.top_k = 2, .top_p = 0.6}), 4), {1, 0, 0, 0}, 8000);
    expect_shares(counts(sample_categorical(logits, {.top_k = 99}), 4), {0.5, 0.125, 0.25, 0.125}, 8000);
}

TEST(SampleCategorical, DrawsFromAGeneratorOfItsOwn) {
    const Tensor logits = zeros({30, 10});
    manual_seed(1);
    const GeneratorState before = generator_state();
    GeneratorState own{.seed = 5};
    const auto first = sample_categorical(logits, {.generator = &own}).to_vector<std::int64_t>();
    const auto second = sample_categorical(logits, {.generator = &own}).to_vector<std::int64_t>();
    EXPECT_EQ(own, (GeneratorState{5, 2}));
    EXPECT_EQ(generator_state(), before);
    EXPECT_NE(first, second);
    manual_seed(5);
    EXPECT_EQ(sample_categorical(logits).to_vector<std::int64_t>(), first);
}

TEST(SampleCategorical, RefusesWhatGivesNoDistribution) {
    expect_refused<ValueError>(
        [] {
            sample_categorical(tensor({{0, 1}, {0, NAN}}));
        },
        {"logit 1 of row 1", "nan"});
    expect_refused<ValueError>([] { sample_categorical(tensor({0, inf})); }, {"logit 1 of row 0", "inf"});
    expect_refused<ValueError>([] { sample_categorical(tensor({-inf, -inf})); }, {"row 0", "-inf"});
    expect_refused<ValueError>(
        [] {
            sample_categorical(tensor({0, 1}), {.temperature = -1});
        },
        {"temperature -1"});
    EXPECT_THROW(sample_categorical(tensor({0, 1}), {.temperature = NAN}), ValueError);
    EXPECT_THROW(sample_categorical(tensor({0, 1}), {.top_k = -1}), ValueError);
    EXPECT_THROW(sample_categorical(tensor({0, 1}), {.top_p = 0}), ValueError);
    EXPECT_THROW(sample_categorical(tensor({0, 1}), {.top_p = 1.5}), ValueError);
    EXPECT_THROW(sample_categorical(full({}, 1)), ShapeError);
    EXPECT_THROW(sample_categorical(ones({2, 0})), ShapeError);
    EXPECT_THROW(sample_categorical(tensor<std::int64_t>({1, 1}, {2})), DTypeError);
}

}  // namespace
}  // namespace adjoint
