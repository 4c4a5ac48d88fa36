// The range test: its rates, where it ends, what it leaves, and that its suggestion trains.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

// y = x w with x of unit variance: the loss is a parabola of w, along which plain descent diverges from a
// rate of about 1 on.
data::Dataset parabola() {
    const Tensor x = randn({64, 3});
    return {.inputs = x, .targets = matmul(x, tensor(std::vector<float>{1, -2, 3}, {3, 1}))};
}

TEST(FindLearningRate, RisesUntilTheLossExplodes) {
    manual_seed(1);
    const data::Dataset set = parabola();
    const nn::Linear model(3, 1);
    optim::SGD optimizer(model.parameters(), {.lr = 0.25});
    const double at_first = mse_loss(model(set.inputs), set.targets).item();
    const train::RateTest test = train::find_learning_rate(
        model, mse_loss, optimizer, set,
        {.min_lr = 1e-4, .max_lr = 100, .steps = 60, .smoothing = 0.5, .fit = {.batch_size = 64}});
    EXPECT_NEAR(test.losses[0], at_first, 1e-5);
    ASSERT_TRUE(test.exploded);
    ASSERT_EQ(test.losses.size(), test.rates.size());
    ASSERT_LT(test.losses.size(), 60u);
    for (std::size_t i = 0; i < test.rates.size(); ++i)
        EXPECT_NEAR(test.rates[i], 1e-4 * std::pow(10, 6 * static_cast<double>(i) / 59),
                    1e-9 * test.rates[i]);
    EXPECT_NEAR(test.smoothed[1], (0.5 * test.losses[0] + test.losses[1]) / 1.5, 1e-12);
    EXPECT_GT(test.rates.back(), 1);
    ASSERT_TRUE(test.suggestion);
    EXPECT_GT(*test.suggestion, 1e-2);
    EXPECT_LT(*test.suggestion, 1);
    EXPECT_EQ(optimizer.lr(), 0.25);
    const std::string picture = train::draw(test, "rates").str();
    EXPECT_NE(picture.find("suggestion: 0."), std::string::npos);
    EXPECT_NE(picture.find("learning rate"), std::string::npos);
}

TEST(FindLearningRate, LeavesEverythingAsItWas) {
    manual_seed(1);
    const data::Dataset set = parabola();
    const nn::Sequential model(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Dropout(0.2), nn::Linear(4, 1));
    optim::Adam optimizer(model.parameters(), {.lr = 0.01});
    train::fit(model, mse_loss, optimizer, set, {.epochs = 1, .verbose = false});
    const auto all_of = [&] {
        std::vector<double> numbers;
        for (const auto& tensors : {model.state(), optimizer.state()})
            for (const auto& [name, tensor] : tensors)
                for (const double value : tensor.to_vector<double>()) numbers.push_back(value);
        for (const Tensor& parameter : model.parameters())
            for (const double value : parameter.grad().to_vector<double>()) numbers.push_back(value);
        numbers.push_back(static_cast<double>(generator_state().stream));
        return numbers;
    };
    const std::vector<double> before = all_of();
    model.eval();
    const auto found = [&](const auto& loss) {
        return train::find_learning_rate(model, loss, optimizer, set,
                                         {.steps = 30, .fit = {.batch_size = 16}});
    };
    EXPECT_GE(found(mse_loss).losses.size(), 2u);
    EXPECT_EQ(all_of(), before);
    EXPECT_FALSE(model.is_training());
    int calls = 0;
    EXPECT_THROW(found([&](const Tensor& y, const Tensor& t) {
                     if (++calls == 5) throw ValueError("a loss of its own mind");
                     return mse_loss(y, t);
                 }),
                 ValueError);
    EXPECT_EQ(all_of(), before);
}

TEST(FindLearningRate, GroupsKeepTheirRatios) {
    manual_seed(1);
    const data::Dataset set = parabola();
    const nn::Sequential model(nn::Linear(3, 4), nn::Linear(4, 1));
    std::vector<Tensor> parameters = model.parameters();
    optim::SGD optimizer({{{parameters[0], parameters[1]}, {.lr = 0.1}}, {{parameters[2]}, {.lr = 0.4}}});
    std::vector<double> low, high;
    const auto loss = [&](const Tensor& y, const Tensor& t) {
        low.push_back(optimizer.lr(0));
        high.push_back(optimizer.lr(1));
        return mse_loss(y, t);
    };
    const train::RateTest test =
        train::find_learning_rate(model, loss, optimizer, set, {.steps = 10, .fit = {.batch_size = 64}});
    EXPECT_EQ(high, test.rates);
    for (std::size_t i = 0; i < low.size(); ++i) EXPECT_DOUBLE_EQ(low[i], test.rates[i] / 4);
    EXPECT_EQ(optimizer.lr(0), 0.1);
    EXPECT_EQ(optimizer.lr(1), 0.4);
}

TEST(FindLearningRate, ItsSuggestionTrains) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        manual_seed(seed);
        const Tensor x = randn({256, 2});
        const data::Dataset set{.inputs = x, .targets = gt(x(all, 0) * x(all, 1), 0).to(i64)};
        const nn::Sequential model(nn::Linear(2, 16), nn::Tanh(), nn::Linear(16, 2));
        optim::Adam optimizer(model.parameters(), {.lr = 1e-6});
        const train::RateTest test = train::find_learning_rate(model, cross_entropy, optimizer, set,
                                                               {.fit = {.batch_size = 32, .seed = seed}});
        ASSERT_TRUE(test.suggestion) << seed;
        optimizer.set_lr(*test.suggestion);
        const train::History history = train::fit(model, cross_entropy, optimizer, set,
                                                  {.epochs = 30, .batch_size = 32, .verbose = false});
        EXPECT_LT(history.last().train.loss, 0.5 * history.epochs[0].train.loss)
            << seed << ", " << *test.suggestion;
    }
}

TEST(FindLearningRate, WhatMakesNoSenseIsRefused) {
    const data::Dataset set = parabola();
    const nn::Linear model(3, 1);
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const auto refused = [&](const train::RateTestOptions& options) {
        EXPECT_THROW(train::find_learning_rate(model, mse_loss, optimizer, set, options), ValueError);
    };
    refused({.min_lr = 0});
    refused({.min_lr = 2, .max_lr = 1});
    refused({.steps = 1});
    refused({.smoothing = 1});
    refused({.explosion = 1});
    refused({.fit = {.epochs = 3}});
    refused({.fit = {.callbacks = {train::record_batches()}}});
    // A loss that only rises has no suggestion.
    const auto rising = [n = 0.0](const Tensor& y, const Tensor& t) mutable {
        return mse_loss(y, t) * 0 + ++n;
    };
    EXPECT_FALSE(train::find_learning_rate(model, rising, optimizer, set, {.steps = 5}).suggestion);
}

}  // namespace
}  // namespace adjoint
