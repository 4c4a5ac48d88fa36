// Samples that are made when they are asked for, numbered or not, and batches of several inputs and targets.
#include <gtest/gtest.h>

#include <algorithm>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>

#include "source_examples.h"

namespace adjoint::data {
namespace {

TEST(Source, GivesTheBatchesOfTheSameSamplesInMemory) {
    const Dataset memory{.inputs = tensor(Multiples::all(30), {30, 2}), .targets = arange(30)};
    for (const bool shuffle : {true, false}) {
        const LoaderOptions options{.batch_size = 7, .shuffle = shuffle, .seed = 5};
        Loader made(Multiples(30), options), held(memory, options);
        EXPECT_EQ(made.size(), 5);
        EXPECT_EQ(contents(made), contents(held));
        EXPECT_EQ(contents(made), contents(held)) << "the next epoch";
    }
    EXPECT_THROW(Loader(Multiples(3)).dataset(), ValueError);
}

TEST(Source, MustGiveARowForEachSample) {
    struct Short : Source {
        std::int64_t size() const override { return 4; }
        Batch get(std::span<const std::int64_t>) const override { return {zeros({4, 1}), zeros({3})}; }
    };
    Loader loader(Short(), {.batch_size = 4});
    Batch batch;
    try {
        loader.next(batch);
        FAIL();
    } catch (const ShapeError& error) {
        EXPECT_STREQ(error.what(), "loader: the source gave a tensor of shape (3,) for 4 samples");
    }
    EXPECT_THROW(Loader(std::shared_ptr<Short>()), ValueError);
    EXPECT_THROW(Loader(Multiples(0)), ShapeError);
}

TEST(Samples, HaveParts) {
    for (const Samples& samples :
         {Samples(Multiples(10)),
          Samples(Dataset{.inputs = tensor(Multiples::all(10), {10, 2}), .targets = arange(10)})}) {
        Loader loader(samples.part(4, 3), {.batch_size = 5, .shuffle = false});
        Batch batch;
        ASSERT_TRUE(loader.next(batch));
        EXPECT_EQ(batch.y.to_vector<int>(), (std::vector<int>{4, 5, 6}));
        EXPECT_THROW(samples.part(8, 3), IndexError);
    }
    EXPECT_THROW(Samples(Countdown(3)).part(0, 1), ValueError);
    EXPECT_THROW(Samples(Countdown(3)).size(), ValueError);
}

TEST(Stream, IsReadToItsEndInEveryEpoch) {
    Loader loader(Countdown(10), {.batch_size = 4});
    EXPECT_EQ(loader.size(), -1);
    const std::vector<double> first = contents(loader);
    EXPECT_EQ(first.size(), 20u);
    EXPECT_EQ(first[0], 10);
    EXPECT_EQ(contents(loader)[0], 1010) << "it is told the epoch";
    Loader whole_batches(Countdown(10), {.batch_size = 4, .drop_last = true});
    EXPECT_EQ(contents(whole_batches).size(), 16u);
    EXPECT_THROW(Loader(Countdown(3), {.sampler = subset_sampler({0})}), ValueError);
}

TEST(Stream, GoesOnFromAState) {
    for (const int workers : {0, 2}) {
        Loader whole(Countdown(10), {.batch_size = 3}),
            half(Countdown(10), {.batch_size = 3, .workers = workers});
        contents(whole);
        const std::vector<double> expected = contents(whole);
        half.set_state({1, 2});
        const std::vector<double> rest = contents(half);
        EXPECT_EQ(rest.size(), 8u);
        EXPECT_TRUE(std::equal(rest.end() - 4, rest.end(), expected.end() - 4));
    }
}

TEST(Batch, OfSeveralInputsAndTargets) {
    const Dataset set{.inputs = arange(6).to(f32),
                      .targets = arange(6).to(u8),
                      .more_inputs = {(arange(6) * 2).to(u8), arange(6) * 3},
                      .more_targets = {arange(6).to(f32) * 0.5}};
    for (const bool shuffle : {true, false}) {
        Loader loader(set, {.batch_size = 4, .shuffle = shuffle});
        Batch batch;
        ASSERT_TRUE(loader.next(batch));
        EXPECT_EQ(batch.size(), 4);
        ASSERT_EQ(batch.inputs().size(), 3u);
        ASSERT_EQ(batch.targets().size(), 2u);
        EXPECT_EQ(batch.more_x[0].dtype(), f32) << "bytes";
        EXPECT_EQ(batch.more_x[1].dtype(), i64);
        const auto& [x, y] = batch;
        for (std::int64_t i = 0; i < 4; ++i) {
            const auto sample = x.to_vector<double>()[static_cast<std::size_t>(i)];
            const auto at = [i](const Tensor& t) {
                return t.to_vector<double>()[static_cast<std::size_t>(i)];
            };
            EXPECT_EQ(at(y), sample);
            EXPECT_EQ(at(batch.more_x[0]), 2 * sample);
            EXPECT_EQ(at(batch.more_x[1]), 3 * sample);
            EXPECT_EQ(at(batch.more_y[0]), 0.5 * sample);
        }
    }
    const std::vector<std::int64_t> chosen{5, 0};
    EXPECT_EQ(set.select(chosen).more_inputs[1].to_vector<int>(), (std::vector<int>{15, 0}));
    EXPECT_EQ(set.part(2, 2).more_targets[0].to_vector<double>(), (std::vector<double>{1, 1.5}));
    EXPECT_EQ(set.to(Device::cpu()).more_inputs.size(), 2u);
    Dataset uneven = set;
    uneven.more_inputs[0] = zeros({5});
    EXPECT_THROW(Loader{uneven}, ShapeError);
}

}  // namespace
}  // namespace adjoint::data
