// Batches: every sample once an epoch, another order each epoch, the same order again from the same state.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/gather.h>
#include <adjoint/data/loader.h>

#include "source_examples.h"

namespace adjoint::data {
namespace {

Dataset numbered(std::int64_t n) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(2 * n));
    std::vector<std::uint8_t> labels(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        labels[i] = static_cast<std::uint8_t>(i);
        pixels[2 * i] = static_cast<std::uint8_t>(i);
        pixels[2 * i + 1] = static_cast<std::uint8_t>(255 - i);
    }
    return {
        .inputs = tensor(pixels, {n, 2}), .targets = tensor(labels, {n}), .scale = 1.0 / 255, .shift = -0.5};
}

std::vector<std::int64_t> epoch(Loader& loader) {
    std::vector<std::int64_t> order;
    for (const Batch& batch : loader)
        for (const std::int64_t label : batch.y.to_vector<std::int64_t>()) order.push_back(label);
    return order;
}

TEST(Loader, EverySampleOnceInANewOrder) {
    Loader loader(numbered(103), {.batch_size = 10, .seed = 4});
    EXPECT_EQ(loader.size(), 11);
    std::vector<std::int64_t> first = epoch(loader), second = epoch(loader);
    EXPECT_NE(first, second);
    std::vector<std::int64_t> sorted(103);
    std::iota(sorted.begin(), sorted.end(), 0);
    EXPECT_NE(first, sorted);
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    EXPECT_EQ(first, sorted);
    EXPECT_EQ(second, sorted);
}

TEST(Loader, ScalesPixelsAndKeepsThemWithTheirLabel) {
    for (const bool shuffle : {false, true}) {
        Loader loader(numbered(50), {.batch_size = 16, .shuffle = shuffle});
        for (const Batch& batch : loader) {
            EXPECT_EQ(batch.x.dtype(), f32);
            EXPECT_EQ(batch.y.dtype(), i64);
            const std::vector<float> x = batch.x.to_vector<float>();
            const std::vector<std::int64_t> y = batch.y.to_vector<std::int64_t>();
            for (std::size_t i = 0; i < y.size(); ++i) {
                EXPECT_NEAR(x[2 * i], static_cast<double>(y[i]) / 255 - 0.5, 1e-6);
                EXPECT_NEAR(x[2 * i + 1], static_cast<double>(255 - y[i]) / 255 - 0.5, 1e-6);
            }
        }
    }
}

TEST(Loader, ResumesInTheMiddleOfAnEpoch) {
    Loader whole(numbered(60), {.batch_size = 7, .seed = 9}),
        half(numbered(60), {.batch_size = 7, .seed = 9});
    epoch(whole);
    epoch(half);
    Batch batch;
    std::vector<std::int64_t> rest;
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(half.next(batch));
    Loader resumed(numbered(60), {.batch_size = 7, .seed = 9});
    resumed.set_state(half.state());
    for (const Batch& b : resumed)
        for (const std::int64_t label : b.y.to_vector<std::int64_t>()) rest.push_back(label);
    const std::vector<std::int64_t> all = epoch(whole);
    EXPECT_EQ(rest, std::vector<std::int64_t>(all.begin() + 28, all.end()));
}

TEST(Loader, ALoopThatWasLeftIsFollowedByTheNextEpoch) {
    Loader loader(numbered(60), {.batch_size = 7, .seed = 9}),
        other(numbered(60), {.batch_size = 7, .seed = 9});
    epoch(other);
    const std::vector<std::int64_t> second = epoch(other);
    LoaderState left;
    for (const Batch& batch : loader) {
        EXPECT_EQ(batch.y.numel(), 7);
        left = loader.state();
        break;
    }
    EXPECT_EQ(epoch(loader), second);
    // A state that was taken in the loop goes on with the rest of its epoch.
    loader.set_state(left);
    EXPECT_EQ(epoch(loader).size(), 53u);
    EXPECT_EQ(epoch(loader), second);
}

TEST(Loader, IntegersStayAndBytesAreScaled) {
    for (const DType type : {i32, i64, boolean}) {
        Dataset set{.inputs = arange(6).to(type), .targets = arange(6).to(f64)};
        Loader loader(set, {.batch_size = 6, .shuffle = false});
        Batch batch;
        ASSERT_TRUE(loader.next(batch));
        EXPECT_EQ(batch.x.dtype(), type);
        EXPECT_EQ(batch.x.to_vector<std::int64_t>(), set.inputs.to_vector<std::int64_t>());
        EXPECT_EQ(batch.y.dtype(), f64);
        set.scale = 0.5;
        EXPECT_THROW(Loader(set, {}), ValueError);
    }
    Dataset words = numbered(4);
    words.inputs = words.inputs.to(f32);
    EXPECT_THROW(Loader(words, {}), ValueError) << "a scale that would do nothing";
}

TEST(Loader, DropsAShortLastBatchIfAsked) {
    Loader loader(numbered(25), {.batch_size = 10, .drop_last = true});
    EXPECT_EQ(loader.size(), 2);
    EXPECT_EQ(epoch(loader).size(), 20u);
}

TEST(Loader, TakesTheShapeOfSamples) {
    Dataset set = numbered(6);
    set.sample_shape = {2, 1};
    Loader loader(set, {.batch_size = 4, .shuffle = false});
    Batch batch;
    ASSERT_TRUE(loader.next(batch));
    EXPECT_EQ(batch.x.shape(), (Shape{4, 2, 1}));
    ASSERT_TRUE(loader.next(batch));
    EXPECT_EQ(batch.x.shape(), (Shape{2, 2, 1}));
    EXPECT_FALSE(loader.next(batch));
}

TEST(Loader, RefusesWhatDoesNotFit) {
    Dataset set = numbered(6);
    EXPECT_THROW(Loader(set, {.batch_size = 0}), ValueError);
    set.targets = tensor(std::vector<std::int64_t>{1, 2}, {2});
    const auto refusal = [](const Dataset& s) -> std::string {
        try {
            const Loader loader(s);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(refusal(set), "loader: 6 samples of inputs, 2 of targets (shapes (6, 2) and (2,))");
    EXPECT_EQ(refusal({.inputs = zeros({0, 2}), .targets = zeros({0})}),
              "loader: inputs of shape (0, 2), expected samples along the first dimension");
    EXPECT_EQ(refusal({.inputs = zeros({2, 2}), .targets = {}}), "loader: the set has no targets");
    EXPECT_THROW(numbered(6).part(4, 3), IndexError);
}

// Of what each loader has, the parts of a step put together are the step.
TEST(Loader, PlacesAreWhereTheNextBatchComesFrom) {
    const Dataset set = numbered(50);
    Loader batches(set, {.batch_size = 16, .seed = 3}), places(set, {.batch_size = 16, .seed = 3});
    for (int epoch = 0; epoch < 2; ++epoch) {
        for (const Batch& batch : batches) {
            const std::optional<Tensor> where = places.next_places();
            ASSERT_TRUE(where);
            const Batch same = step_of(places.dataset(), *where);
            EXPECT_EQ(same.x.to_vector<float>(), batch.x.to_vector<float>());
            EXPECT_EQ(same.y.to_vector<std::int64_t>(), batch.y.to_vector<std::int64_t>());
            EXPECT_EQ(same.parts, batch.parts);
            EXPECT_EQ(same.step_size, batch.step_size);
        }
        Batch last;
        EXPECT_FALSE(places.next_places());
        EXPECT_FALSE(places.next(last));
        EXPECT_EQ(places.state(), (LoaderState{static_cast<std::uint64_t>(epoch + 1), 0}));
    }
}

TEST(Loader, ABatchThatIsMoreThanSomeSamplesHasNoPlaces) {
    const auto same = [](const Batch& batch) { return batch; };
    for (const LoaderOptions& options :
         {LoaderOptions{.shuffle = false}, LoaderOptions{.transform = same}, LoaderOptions{.workers = 1},
          LoaderOptions{.parts = {.count = 2, .own = 2}}}) {
        Loader loader(numbered(50), options);
        EXPECT_FALSE(loader.next_places());
        EXPECT_EQ(loader.state(), LoaderState());
    }
    Loader of_source(std::make_shared<Multiples>(20), {});
    EXPECT_FALSE(of_source.next_places());
}

TEST(Loader, PartsOfAStepAreThatStep) {
    for (const bool source : {false, true})
        for (const bool shuffle : {false, true}) {
            const auto loader_of = [&](std::int64_t batch, LoaderParts parts) {
                const LoaderOptions options{
                    .batch_size = batch, .shuffle = shuffle, .seed = 7, .parts = parts};
                return source ? Loader(Multiples(27), options) : Loader(numbered(27), options);
            };
            Loader whole = loader_of(8, {}), first = loader_of(2, {4, 0, 1}), rest = loader_of(2, {4, 1, 3});
            EXPECT_EQ(first.size(), 3) << "three samples are too few for four parts";
            for (int i = 0; i < 3; ++i) {
                Batch step, one, three;
                ASSERT_TRUE(whole.next(step) && first.next(one) && rest.next(three));
                const std::vector<std::int64_t> all = step.y.to_vector<std::int64_t>();
                std::vector<std::int64_t> expected;
                for (std::size_t part = 0; part < 4; ++part)
                    expected.insert(expected.end(), {all[part], all[part + 4]});
                std::vector<std::int64_t> got = one.y.to_vector<std::int64_t>();
                for (const std::int64_t y : three.y.to_vector<std::int64_t>()) got.push_back(y);
                EXPECT_EQ(got, expected);
                EXPECT_EQ(one.parts, std::vector<std::int64_t>{2});
                EXPECT_EQ(three.step_size, 8);
                EXPECT_EQ(three.parts, (std::vector<std::int64_t>{2, 2, 2}));
                EXPECT_EQ(three.x.shape()[0], 6);
            }
            Batch none;
            EXPECT_FALSE(rest.next(none));
        }
}

TEST(Loader, PartsAtTheEndAreOfUnequalSizes) {
    using Sizes = std::vector<std::vector<std::int64_t>>;
    const auto sizes = [](LoaderOptions options) {
        Loader loader(numbered(14), options);
        Sizes result;
        for (const Batch& batch : loader) result.push_back(batch.parts);
        EXPECT_EQ(static_cast<std::int64_t>(result.size()), loader.size());
        return result;
    };
    EXPECT_EQ(sizes({.batch_size = 3, .parts = {3, 0, 1}}), (Sizes{{3}, {2}}));
    EXPECT_EQ(sizes({.batch_size = 3, .parts = {3, 1, 2}}), (Sizes{{3, 3}, {2, 1}}));
    EXPECT_EQ(sizes({.batch_size = 3, .drop_last = true, .parts = {3, 1, 2}}), (Sizes{{3, 3}}));
    EXPECT_THROW(sizes({.parts = {2, 1, 2}}), ValueError);
    EXPECT_THROW(sizes({.parts = {2, -1, 1}}), ValueError);
    EXPECT_THROW(sizes({.parts = {2, 0, 0}}), ValueError);
}

TEST(Loader, PartsOfAStream) {
    Loader first(Countdown(11), {.batch_size = 2, .parts = {4, 0, 3}});
    std::vector<double> all;
    for (const Batch& batch : first)
        for (const double x : batch.x.to_vector<double>()) all.push_back(x);
    EXPECT_EQ(all, (std::vector<double>{11, 7, 10, 6, 9, 5}));
    Loader last(Countdown(12), {.batch_size = 2, .workers = 2, .parts = {4, 3, 1}});
    last.set_state({0, 1});
    Batch batch;
    ASSERT_TRUE(last.next(batch));
    EXPECT_EQ(batch.x.to_vector<double>(), std::vector<double>{1});
    EXPECT_EQ(batch.step_size, 4);
}

TEST(Loader, WhatIsDrawnForAPartIsTheSameWhoeverMakesIt) {
    const auto drawn = [](LoaderParts parts, int workers) {
        const auto transform = [](const Batch& batch) { return Batch{rand({batch.size(), 1}), batch.y}; };
        Loader loader(numbered(40),
                      {.batch_size = 5, .transform = transform, .workers = workers, .parts = parts});
        std::vector<std::vector<float>> numbers;
        for (const Batch& batch : loader) numbers.push_back(batch.x.to_vector<float>());
        return numbers;
    };
    const auto all = drawn({4, 0, 4}, 0), second = drawn({4, 1, 1}, 0), last = drawn({4, 2, 2}, 2);
    ASSERT_EQ(all.size(), 2u);
    for (std::size_t step = 0; step < 2; ++step) {
        const auto at = all[step].begin();
        EXPECT_EQ(second[step], (std::vector<float>(at + 5, at + 10)));
        EXPECT_EQ(last[step], (std::vector<float>(at + 10, at + 20)));
    }
}

TEST(Loader, SamplesOfAStepThatIsSharedOutKeepTheirNumber) {
    const auto read = [](LoaderParts parts) {
        const auto one_of_many = [](const Batch&) { return Batch{ones({1, 2}), ones({1})}; };
        Loader loader(numbered(24), {.batch_size = 4, .transform = one_of_many, .parts = parts});
        Batch batch;
        loader.next(batch);
        return batch;
    };
    EXPECT_THROW(read({3, 0, 2}), ShapeError);
    EXPECT_EQ(read({3, 0, 3}).parts, (std::vector<std::int64_t>{1, 1, 1}));
    EXPECT_EQ(read({3, 0, 3}).step_size, 3);
}

}  // namespace
}  // namespace adjoint::data
