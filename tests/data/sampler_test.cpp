// Samplers: what an epoch sees is a function of seed and epoch, with the shares that were asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>

#include "source_examples.h"

namespace adjoint::data {
namespace {

using Order = std::vector<std::int64_t>;

TEST(Sampler, WeightedDrawsByTheWeights) {
    const std::vector<double> weights{1, 0, 3, 4};
    const Sampler sampler = weighted_sampler(weights, {.count = 80000});
    std::vector<double> counts(4);
    for (const std::int64_t sample : sampler.order(4, 1, 0)) ++counts[static_cast<std::size_t>(sample)];
    // The counts are binomial: six standard deviations, at a fixed seed.
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_NEAR(counts[i], 10000 * weights[i],
                    6 * std::sqrt(80000 * weights[i] / 8 * (1 - weights[i] / 8)));
    EXPECT_EQ(sampler.order(4, 1, 5), sampler.order(4, 1, 5));
    EXPECT_NE(sampler.order(4, 1, 5), sampler.order(4, 1, 6));
    EXPECT_NE(sampler.order(4, 1, 5), sampler.order(4, 2, 5));
}

TEST(Sampler, WeightedWithoutReplacement) {
    const std::vector<double> weights{5, 1, 0, 1, 1};
    const Sampler sampler = weighted_sampler(weights, {.count = 3, .replacement = false});
    int first = 0;
    for (std::uint64_t epoch = 0; epoch < 4000; ++epoch) {
        const Order order = sampler.order(5, 9, epoch);
        EXPECT_EQ(std::set<std::int64_t>(order.begin(), order.end()).size(), 3u);
        EXPECT_EQ(std::count(order.begin(), order.end(), 2), 0);
        first += order[0] == 0;
    }
    EXPECT_NEAR(first, 4000 * 5.0 / 8, 6 * std::sqrt(4000 * 5.0 / 8 * 3 / 8));
    EXPECT_THROW(weighted_sampler(weights, {.count = 5, .replacement = false}), ValueError);
    EXPECT_THROW(weighted_sampler(std::vector<double>{1, -1}), ValueError);
    EXPECT_THROW(weighted_sampler(std::vector<double>{0, 0}), ValueError);
    EXPECT_THROW(weighted_sampler(std::vector<double>{std::numeric_limits<double>::infinity()}), ValueError);
}

TEST(Sampler, SubsetIsEachOfItsSamplesOnce) {
    const Order some{8, 3, 5, 3};
    EXPECT_EQ(subset_sampler(some, {.shuffle = false}).order(10, 0, 0), some);
    Order shuffled = subset_sampler(some).order(10, 2, 1);
    std::sort(shuffled.begin(), shuffled.end());
    EXPECT_EQ(shuffled, (Order{3, 3, 5, 8}));
    EXPECT_THROW(subset_sampler({}), ValueError);
}

TEST(Sampler, BalancedGivesEachClassItsShare) {
    const Tensor classes = tensor(std::vector<std::int64_t>{4, 4, 4, 4, 4, 4, 4, 9, 9, 2}, {10});
    const std::vector<std::int64_t> of = classes.to_vector<std::int64_t>();
    const Sampler sampler = balanced_sampler(classes, 13);
    for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
        std::map<std::int64_t, int> classes_seen;
        std::vector<int> seen(10);
        for (const std::int64_t sample : sampler.order(10, 3, epoch)) {
            ++classes_seen[of[static_cast<std::size_t>(sample)]];
            ++seen[static_cast<std::size_t>(sample)];
        }
        EXPECT_EQ(classes_seen, (std::map<std::int64_t, int>{{2, 5}, {4, 4}, {9, 4}}));
        EXPECT_EQ(seen[7], 2);
        EXPECT_EQ(seen[8], 2);
        EXPECT_EQ(seen[9], 5);
        EXPECT_LE(*std::max_element(seen.begin(), seen.begin() + 7), 1);
    }
    EXPECT_THROW(balanced_sampler(zeros({3})), DTypeError);
    EXPECT_THROW(balanced_sampler(classes, -1), ValueError);
}

TEST(Sampler, OrdersTheBatchesOfALoader) {
    const Dataset memory{.inputs = tensor(Multiples::all(10), {10, 2}), .targets = arange(10)};
    const LoaderOptions options{
        .batch_size = 3, .seed = 2, .sampler = balanced_sampler(arange(10).to(i64), 25)};
    Loader held(memory, options), made(Multiples(10), options), resumed(memory, options);
    EXPECT_EQ(held.size(), 9);
    EXPECT_EQ(held.sample_count(), 25);
    const std::vector<double> first = contents(held);
    EXPECT_EQ(first.size(), 75u);
    EXPECT_EQ(contents(made), first);
    const std::vector<double> second = contents(held);
    EXPECT_NE(second, first);
    resumed.set_state({1, 0});
    EXPECT_EQ(contents(resumed), second);
}

TEST(Sampler, OfOnesOwnIsChecked) {
    Batch batch;
    const auto with = [](Order order) {
        return Loader(
            Multiples(4),
            {.sampler = {.order = [order](std::int64_t, std::uint64_t, std::uint64_t) { return order; }}});
    };
    EXPECT_TRUE(with({3, 3, 3, 3}).next(batch));
    EXPECT_THROW(with({0, 1, 2, 4}).next(batch), IndexError);
    EXPECT_THROW(with({0, 1, 2}).next(batch), ValueError);
    EXPECT_THROW(Loader(Multiples(4), {.sampler = balanced_sampler(zeros({5}, {.dtype = i64}))}).next(batch),
                 ShapeError);
}

TEST(ClassWeights, MakeAllClassesCountAlike) {
    const Tensor labels = tensor(std::vector<std::int64_t>{0, 0, 0, 2}, {4});
    EXPECT_EQ(class_weights(labels, 3).to_vector<float>(), (std::vector<float>{4.0f / 9, 0, 4.0f / 3}));
    EXPECT_THROW(class_weights(labels, 2), IndexError);
    EXPECT_THROW(class_weights(labels.to(f32), 3), DTypeError);
}

}  // namespace
}  // namespace adjoint::data
