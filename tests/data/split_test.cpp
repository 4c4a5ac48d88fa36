// Divisions of samples: complete, without overlap, by class where asked, the same for the same seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/split.h>

namespace adjoint::data {
namespace {

using Numbers = std::vector<std::int64_t>;

Numbers all_of(const Split& split) {
    Numbers all = split.train;
    all.insert(all.end(), split.test.begin(), split.test.end());
    std::sort(all.begin(), all.end());
    return all;
}

Numbers first(std::int64_t n) {
    Numbers all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
}

// 12 samples of class 0, 6 of class 1, 2 of class 5.
Tensor classes() { return tensor(Numbers{0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 5, 5}, {20}); }

std::int64_t count(const Numbers& samples, std::int64_t label) {
    const Numbers of = classes().to_vector<std::int64_t>();
    return std::count_if(samples.begin(), samples.end(),
                         [&](std::int64_t sample) { return of[static_cast<std::size_t>(sample)] == label; });
}

TEST(TrainTestSplit, DividesAllSamples) {
    const Split split = train_test_split(10, 0.25, {.seed = 3});
    EXPECT_EQ(split.test.size(), 3u) << "2.5 is rounded up";
    EXPECT_EQ(all_of(split), first(10));
    EXPECT_TRUE(std::is_sorted(split.train.begin(), split.train.end()));
    EXPECT_TRUE(std::is_sorted(split.test.begin(), split.test.end()));
    EXPECT_EQ(train_test_split(1000, 0.5, {.seed = 3}).test, train_test_split(1000, 0.5, {.seed = 3}).test);
    EXPECT_NE(train_test_split(1000, 0.5, {.seed = 3}).test, train_test_split(1000, 0.5, {.seed = 4}).test);
    EXPECT_EQ(train_test_split(5, 0.4, {.shuffle = false}).test, (Numbers{3, 4}));
}

TEST(TrainTestSplit, Stratified) {
    const Split split = train_test_split(20, 0.25, {.seed = 1, .stratify = classes()});
    // Shares 3, 1.5 and 0.5 of 5: the lower class number gets the rest of equal remainders.
    EXPECT_EQ(count(split.test, 0), 3);
    EXPECT_EQ(count(split.test, 1), 2);
    EXPECT_EQ(count(split.test, 5), 0);
    EXPECT_EQ(all_of(split), first(20));
}

TEST(TrainTestSplit, OfADataset) {
    const Dataset set{.inputs = tensor(Numbers{0, 1, 2, 3, 4, 5, 6, 7}, {4, 2}).to(DType::u8),
                      .targets = tensor(Numbers{10, 11, 12, 13}, {4}),
                      .scale = 0.5};
    const auto [training, test] = train_test_split(set, 0.5, {.shuffle = false});
    EXPECT_EQ(test.inputs.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{4, 5, 6, 7}));
    EXPECT_EQ(training.targets.to_vector<std::int64_t>(), (Numbers{10, 11}));
    EXPECT_EQ(test.scale, 0.5);
    const Dataset picked = set.select(Numbers{3, 0, 3});
    EXPECT_EQ(picked.inputs.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{6, 7, 0, 1, 6, 7}));
    EXPECT_EQ(picked.targets.to_vector<std::int64_t>(), (Numbers{13, 10, 13}));
    EXPECT_THROW(set.select(Numbers{0, 4}), IndexError);
    EXPECT_THROW(set.select(Numbers{-1}), IndexError);
    EXPECT_EQ(set.select(Numbers{}).size(), 0);
}

TEST(KFold, EverySampleTestsOnce) {
    for (const bool shuffle : {false, true}) {
        const std::vector<Split> folds = k_fold(11, 3, {.shuffle = shuffle, .seed = 2});
        ASSERT_EQ(folds.size(), 3u);
        Numbers tested;
        for (const Split& fold : folds) {
            EXPECT_EQ(all_of(fold), first(11));
            tested.insert(tested.end(), fold.test.begin(), fold.test.end());
        }
        EXPECT_EQ(folds[0].test.size(), 4u);
        EXPECT_EQ(folds[2].test.size(), 3u);
        EXPECT_EQ(tested == first(11), !shuffle);
        std::sort(tested.begin(), tested.end());
        EXPECT_EQ(tested, first(11));
    }
}

TEST(KFold, Stratified) {
    Numbers tested;
    for (const Split& fold : k_fold(20, 4, {.seed = 9, .stratify = classes()})) {
        EXPECT_EQ(fold.test.size(), 5u);
        EXPECT_EQ(count(fold.test, 0), 3);
        EXPECT_GE(count(fold.test, 1), 1);
        EXPECT_LE(count(fold.test, 1), 2);
        EXPECT_LE(count(fold.test, 5), 1);
        tested.insert(tested.end(), fold.test.begin(), fold.test.end());
    }
    std::sort(tested.begin(), tested.end());
    EXPECT_EQ(tested, first(20));
}

TEST(Split, RefusesWhatCannotBeDivided) {
    EXPECT_THROW(train_test_split(10, 0.0), ValueError);
    EXPECT_THROW(train_test_split(10, 1.0), ValueError);
    EXPECT_THROW(train_test_split(10, 0.01), ValueError);
    EXPECT_THROW(train_test_split(0, 0.5), ValueError);
    EXPECT_THROW(k_fold(10, 1), ValueError);
    EXPECT_THROW(k_fold(3, 4), ValueError);
    EXPECT_THROW(k_fold(3, 2, {.stratify = classes()}), ShapeError);
    EXPECT_THROW(k_fold(3, 2, {.stratify = zeros({3})}), DTypeError);
}

}  // namespace
}  // namespace adjoint::data
