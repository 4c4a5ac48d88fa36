// Batches: every sample once an epoch, another order each epoch, the same order again from the same state.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>

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

}  // namespace
}  // namespace adjoint::data
