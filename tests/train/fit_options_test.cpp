// What fit does between a batch and the next weights: parts of a step, mixed precision, clipping, averages,
// and how often it looks at figures. Each against the loop that one would write.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

data::Dataset two_classes(std::int64_t n) {
    manual_seed(7);
    const Tensor x = randn({n, 4});
    return {.inputs = x, .targets = gt(x(all, 0) * 2 - x(all, 1), 0).to(i64)};
}

nn::Sequential net_with_statistics() {
    manual_seed(3);
    return nn::Sequential(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Dropout(0.2),
                          nn::Linear(8, 2));
}

std::vector<double> numbers_of(const nn::Module& model) {
    std::vector<double> numbers;
    for (const auto& [name, tensor] : model.state())
        for (const double value : tensor.to_vector<double>()) numbers.push_back(value);
    return numbers;
}

train::FitOptions silent(int epochs, std::int64_t batch_size) {
    return {.epochs = epochs, .batch_size = batch_size, .seed = 5, .verbose = false};
}

// 70 samples in steps of 48 and 22, the last of which has parts of 8, 7 and 7.
TEST(FitOptions, PartsOfAStepAreThoseOfALoop) {
    const data::Dataset set = two_classes(70);
    const nn::Sequential model = net_with_statistics(), by_hand = net_with_statistics();
    optim::Adam optimizer(model.parameters(), {.lr = 0.02}), other(by_hand.parameters(), {.lr = 0.02});
    train::FitOptions options = silent(3, 16);
    options.accumulate = 3;
    std::vector<std::int64_t> seen;
    options.callbacks = {{.on_batch = [&](train::Run& run) {
        EXPECT_EQ(run.output.shape(), (Shape{run.target.shape()[0], 2})) << "the outputs of all parts";
        seen.push_back(run.target.shape()[0]);
    }}};
    manual_seed(9);
    const train::History history = train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    EXPECT_EQ(seen, (std::vector<std::int64_t>{48, 22, 48, 22, 48, 22}));

    manual_seed(9);
    data::Loader loader(set, {.batch_size = 16, .seed = 5, .parts = {.count = 3, .own = 3}});
    for (int epoch = 0; epoch < 3; ++epoch) {
        double loss_sum = 0;
        for (const data::Batch& batch : loader) {
            other.zero_grad();
            const double n = static_cast<double>(batch.size());
            std::int64_t first = 0;
            for (const std::int64_t count : batch.parts) {
                const Tensor loss = cross_entropy(by_hand(narrow(batch.x, 0, first, count)),
                                                  narrow(batch.y, 0, first, count));
                (loss * (static_cast<double>(count) / n)).backward();
                loss_sum += loss.item() * static_cast<double>(count);
                first += count;
            }
            other.step();
        }
        EXPECT_NEAR(history.epochs[static_cast<std::size_t>(epoch)].train.loss, loss_sum / 70, 1e-6);
    }
    EXPECT_EQ(numbers_of(model), numbers_of(by_hand));
}

// Where no layer looks at other samples, parts give the step of the whole, up to rounding.
TEST(FitOptions, PartsAddUpToTheWhole) {
    const data::Dataset set = two_classes(50);
    const auto trained = [&](std::int64_t batch_size, int accumulate) {
        manual_seed(3);
        const nn::Sequential model(nn::Linear(4, 8), nn::Tanh(), nn::Linear(8, 2));
        optim::SGD optimizer(model.parameters(), {.lr = 0.5});
        train::FitOptions options = silent(4, batch_size);
        options.accumulate = accumulate;
        train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
        return numbers_of(model);
    };
    const std::vector<double> whole = trained(30, 1), parts = trained(10, 3);
    for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 1e-5);
}

TEST(FitOptions, GradientsAreSeenBeforeTheyAreClippedAndClippedBeforeTheStep) {
    const data::Dataset set = two_classes(64);
    manual_seed(3);
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 1});
    const auto norm_of = [](const std::vector<Tensor>& tensors) {
        double squares = 0;
        for (const Tensor& tensor : tensors) squares += sum(tensor * tensor).item();
        return std::sqrt(squares);
    };
    std::vector<Tensor> before;
    int calls = 0;
    train::FitOptions options = silent(1, 16);
    options.accumulate = 2;
    options.clip_norm = 0.01;
    options.callbacks = {{.on_gradients =
                              [&](train::Run& run) {
                                  EXPECT_EQ(run.batch, calls++);
                                  std::vector<Tensor> gradients;
                                  before.clear();
                                  for (const Tensor& parameter : run.optimizer.parameters()) {
                                      gradients.push_back(parameter.grad());
                                      before.push_back(parameter.detach().clone());
                                  }
                                  EXPECT_GT(norm_of(gradients), 0.05);
                              },
                          .on_batch =
                              [&](train::Run& run) {
                                  std::vector<Tensor> moved;
                                  for (std::size_t i = 0; i < before.size(); ++i)
                                      moved.push_back(run.optimizer.parameters()[i].detach() - before[i]);
                                  EXPECT_NEAR(norm_of(moved), 0.01, 1e-4);
                              }}};
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    EXPECT_EQ(calls, 2);
}

TEST(FitOptions, OnGradientsMayChangeThem) {
    const data::Dataset set = two_classes(64);
    const nn::Sequential model = net_with_statistics();
    const std::vector<Tensor> parameters = model.parameters();
    const Tensor first = parameters[0].detach().clone(), second = parameters[1].detach().clone();
    optim::SGD optimizer(parameters, {.lr = 0.1});
    train::FitOptions options = silent(2, 16);
    options.callbacks = {{.on_gradients = [](train::Run& run) {
        const NoGrad guard;
        run.optimizer.parameters()[0].set_grad({});
        run.trainee.module.parameters()[1].grad().zero_();
    }}};
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    EXPECT_TRUE(equal(parameters[0], first));
    EXPECT_TRUE(equal(parameters[1], second));
    EXPECT_FALSE(equal(parameters[2], ones({8}))) << "the others move";
}

TEST(FitOptions, MixedPrecisionReachesForwardLossAndValidation) {
    const data::Dataset set = two_classes(32);
    struct Asks : nn::Module {
        nn::Linear fc = child("fc", nn::Linear(4, 2));
        std::shared_ptr<std::vector<DType>> seen = std::make_shared<std::vector<DType>>();
        Tensor operator()(const Tensor& x) const {
            const Tensor y = fc(x);
            seen->push_back(y.dtype());
            return y;
        }
    };
    manual_seed(3);
    const Asks model;
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    train::FitOptions options = silent(1, 16);
    options.autocast = bf16;
    options.validation = set;
    const train::History history = train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    EXPECT_EQ(*model.seen, (std::vector<DType>{bf16, bf16, bf16}));
    EXPECT_EQ(model.fc.weight.dtype(), f32);
    EXPECT_FALSE(autocast_type());
    const Autocast guard(bf16);
    EXPECT_EQ(history.last().validation.loss, train::evaluate(model, nn::CrossEntropyLoss(), set).loss);
}

TEST(FitOptions, HalfPrecisionScalesTheLossAsALoopWould) {
    data::Dataset set = two_classes(48);
    const nn::Sequential model = net_with_statistics(), by_hand = net_with_statistics();
    optim::Adam optimizer(model.parameters(), {.lr = 0.02}), other(by_hand.parameters(), {.lr = 0.02});
    // So large that the first scales overflow.
    const auto loss_of = [](const Tensor& output, const Tensor& target) {
        return cross_entropy(output, target) * 100;
    };
    train::FitOptions options = silent(3, 16);
    options.autocast = f16;
    options.clip_norm = 1;
    manual_seed(9);
    train::fit(model, loss_of, optimizer, set, options);

    manual_seed(9);
    optim::GradScaler scaler;
    data::Loader loader(set, {.batch_size = 16, .seed = 5});
    int skipped = 0;
    for (int epoch = 0; epoch < 3; ++epoch)
        for (const data::Batch& batch : loader) {
            other.zero_grad();
            Tensor loss;
            {
                const Autocast guard(f16);
                loss = loss_of(by_hand(batch.x), batch.y);
            }
            scaler.scale(loss).backward();
            scaler.unscale(other);
            optim::clip_grad_norm_(other.parameters(), 1);
            skipped += !scaler.step(other);
            scaler.update();
        }
    EXPECT_GT(skipped, 0) << "or this test shows little";
    EXPECT_LT(skipped, 9);
    EXPECT_EQ(numbers_of(model), numbers_of(by_hand));
}

// What a callback sees of the weights of a run with averages, and what the run leaves.
struct Averaged {
    std::vector<double> after_batches;             // the first weight
    std::vector<double> after_epochs, validation;  // it and the loss
    double at_the_end = 0;
};
Averaged averaged(const train::Average& average) {
    const data::Dataset set = two_classes(64);
    manual_seed(3);
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0.5});
    train::FitOptions options = silent(3, 16);
    options.average = average;
    options.validation = set;
    Averaged seen;
    const auto first = [&] { return model.weight.to_vector<double>()[0]; };
    options.callbacks = {{.on_batch = [&](train::Run&) { seen.after_batches.push_back(first()); },
                          .on_epoch =
                              [&](train::Run& run) {
                                  seen.after_epochs.push_back(first());
                                  seen.validation.push_back(run.history.last().validation.loss);
                                  EXPECT_EQ(seen.validation.back(),
                                            train::evaluate(model, nn::CrossEntropyLoss(), set).loss);
                              }}};
    train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    seen.at_the_end = first();
    return seen;
}

TEST(FitOptions, AveragesAreWhatIsLookedAtAndNotWhatIsTrained) {
    const Averaged plain = averaged({}), moving = averaged(train::EMA{.decay = 0.75}),
                   late = averaged(train::SWA{.from_epoch = 2});
    EXPECT_EQ(moving.after_batches, plain.after_batches);
    EXPECT_EQ(late.after_batches, plain.after_batches);
    manual_seed(3);
    double mean = nn::Linear(4, 2).weight.to_vector<double>()[0];
    for (std::size_t i = 0; i < 12; ++i) {
        mean = 0.75 * mean + 0.25 * plain.after_batches[i];
        if (i % 4 == 3) {
            EXPECT_NEAR(moving.after_epochs[i / 4], mean, 1e-6);
        }
    }
    EXPECT_EQ(moving.at_the_end, moving.after_epochs[2]);
    EXPECT_NE(moving.validation, plain.validation);

    const std::vector<double>& at = plain.after_epochs;
    EXPECT_EQ(late.after_epochs[0], at[0]) << "not begun yet";
    EXPECT_NEAR(late.after_epochs[1], at[1], 1e-6);
    EXPECT_NEAR(late.after_epochs[2], (at[1] + at[2]) / 2, 1e-6);
    EXPECT_EQ(late.at_the_end, late.after_epochs[2]);
}

TEST(FitOptions, LooksAtTheValidationSetAsOftenAsAsked) {
    const data::Dataset set = two_classes(64);
    const nn::Sequential model = net_with_statistics();
    optim::SGD optimizer(model.parameters(), {.lr = 0});
    train::FitOptions options = silent(5, 16);
    options.validation = set;
    options.validate_every = 2;
    options.metrics = {{"right", train::accuracy}};
    std::vector<int> epochs;
    // The validation loss never falls, the training loss goes up and down with dropout: an early stop that
    // took one for the other would count the epochs between as improvements.
    options.callbacks = {train::early_stopping({.patience = 1}), {.on_epoch = [&](train::Run& run) {
                             EXPECT_EQ(run.monitored_loss().has_value(), run.validated);
                         }}};
    const train::History history = train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    ASSERT_EQ(history.epochs.size(), 4u) << history.end;
    for (const train::EpochRecord& record : history.epochs) {
        EXPECT_EQ(std::isnan(record.validation.loss), record.epoch % 2 == 1);
        EXPECT_EQ(record.metrics.contains("right"), record.epoch % 2 == 0);
    }
    options.callbacks = {};
    const train::History all = train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    EXPECT_TRUE(all.last().metrics.contains("right")) << "the last epoch is looked at in any case";
    EXPECT_NE(train::to_csv(all).find(",right\n"), std::string::npos);
    EXPECT_NE(train::to_string(all.last(), 5).find("right 0."), std::string::npos);
}

// Sequences of unequal lengths: a batch is as wide as its longest, -1 fills the rest.
struct Words : data::Source {
    std::int64_t size() const override { return 10; }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        std::int64_t longest = 0;
        for (const std::int64_t i : samples) longest = std::max(longest, i + 1);
        const auto n = static_cast<std::int64_t>(samples.size());
        const Tensor x = zeros({n, longest}, {.dtype = i64}), y = full({n, longest}, -1, {.dtype = i64});
        for (std::int64_t row = 0; row < n; ++row)
            for (std::int64_t k = 0; k <= samples[static_cast<std::size_t>(row)]; ++k) {
                x(row, k) = k % 3;
                y(row, k) = k % 2;
            }
        return {x, y};
    }
};

TEST(FitOptions, MetricsOfSequencesAndOfSeveralOutputs) {
    manual_seed(2);
    struct Two : nn::Module {
        nn::Embedding words = child("words", nn::Embedding(3, 4));
        nn::Linear fc = child("fc", nn::Linear(4, 2));
        std::pair<Tensor, Tensor> operator()(const Tensor& x) const {
            const Tensor seen = words(x);
            return {fc(seen), mean(seen, {1, 2})};
        }
    };
    const Two model;
    const auto right = [](const std::pair<Tensor, Tensor>& outputs, const Tensor& y) -> train::Ratio {
        const Tensor known = ge(y, 0);
        return {sum(logical_and(eq(argmax(outputs.first, 2), y), known)).item(), sum(known).item()};
    };
    const auto loss = [](const std::pair<Tensor, Tensor>& outputs, const Tensor& y) {
        return cross_entropy(reshape(outputs.first, {-1, 2}), reshape(y, {-1}), {.ignore_index = -1});
    };
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    train::FitOptions options = silent(2, 4);
    options.metrics = {{"right", right}};
    const train::History history = train::fit(model, loss, optimizer, Words(), options);
    const double expected = history.last().metrics.at("right");
    EXPECT_GT(expected, 0);
    // Batches of 3, 3, 3 and 1 with 6, 15, 24 and 10 words: whatever the batches, the mean of all words.
    EXPECT_EQ(train::measure(model, Words(), {{"right", right}}, 3).at("right"), expected);
    EXPECT_EQ(train::measure(model, Words(), {{"right", right}}, 1).at("right"), expected);

    // Of a fixed width, a number of all samples at once is the same mean.
    const data::Dataset set{.inputs = randint(0, 3, {10, 5}), .targets = randint(0, 2, {10, 5})};
    const auto at_once = [&](const std::pair<Tensor, Tensor>& outputs, const Tensor& y) {
        const train::Ratio all = right(outputs, y);
        EXPECT_EQ(all.count, 50);
        return all.sum / all.count;
    };
    const auto both = train::measure(model, set, {{"by batches", right}, {"at once", at_once}}, 3);
    EXPECT_DOUBLE_EQ(both.at("by batches"), both.at("at once"));
}

// A class of weight 0 does not count: what its samples hold changes nothing.
TEST(FitOptions, WeightsOfClassesAreTheLosses) {
    const auto trained = [](double of_the_others) {
        data::Dataset set = two_classes(64);
        set.inputs = where(reshape(eq(set.targets, 0), {64, 1}), full({64, 4}, of_the_others), set.inputs);
        manual_seed(3);
        const nn::Sequential model(nn::Linear(4, 8), nn::Tanh(), nn::Linear(8, 2));
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        const nn::CrossEntropyLoss loss({.weight = tensor(std::vector<float>{0, 1}, {2})});
        train::fit(model, loss, optimizer, set, silent(2, 16));
        return numbers_of(model);
    };
    EXPECT_EQ(trained(1), trained(-3));
}

// Eighty samples of a loss of 1000 are more than f16 holds.
TEST(FitOptions, TheLossOfAnEpochIsNoSumOfHalves) {
    const nn::Linear model(4, 2);
    optim::SGD optimizer(model.parameters(), {.lr = 0});
    const data::Dataset set = two_classes(80);
    const auto thousand = [](const Tensor& y, const Tensor&) { return mean(y * 0 + 1000).to(f16); };
    const train::History history = train::fit(model, thousand, optimizer, set, silent(1, 16));
    EXPECT_EQ(history.last().train.loss, 1000);
    EXPECT_EQ(train::evaluate(model, thousand, set).loss, 1000);
}

// The largest of one column is always number 0, which would be right for each sample of class 0.
TEST(FitOptions, OneColumnHasNoAccuracy) {
    const nn::Linear model(4, 1);
    optim::SGD optimizer(model.parameters(), {.lr = 0});
    const auto loss = [](const Tensor& y, const Tensor& t) {
        return binary_cross_entropy_with_logits(squeeze(y, 1), t.to(f32));
    };
    const train::History history = train::fit(model, loss, optimizer, two_classes(32), silent(1, 16));
    EXPECT_TRUE(std::isnan(history.last().train.accuracy));
    EXPECT_TRUE(std::isfinite(history.last().train.loss));
}

TEST(FitOptions, WhatMakesNoSenseIsRefused) {
    const data::Dataset set = two_classes(32);
    const nn::Sequential model = net_with_statistics();
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const std::vector<double> before = numbers_of(model);
    const auto fitted = [&](const std::function<void(train::FitOptions&)>& change) {
        train::FitOptions options = silent(1, 16);
        change(options);
        train::fit(model, nn::CrossEntropyLoss(), optimizer, set, options);
    };
    EXPECT_THROW(fitted([](auto& o) { o.accumulate = 0; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.clip_norm = -1; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.clip_norm = NAN; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.validate_every = 0; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.autocast = i64; }), DTypeError);
    EXPECT_THROW(fitted([](auto& o) { o.average = train::EMA{.decay = 1}; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.average = train::SWA{.from_epoch = 0}; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.average = train::SWA{.from_epoch = 2}; }), ValueError)
        << "the run has one epoch";
    EXPECT_THROW(fitted([](auto& o) { o.metrics = {{"", train::accuracy}}; }), ValueError);
    EXPECT_THROW(fitted([](auto& o) { o.drop_last = true, o.batch_size = 33; }), ValueError) << "no batch";
    EXPECT_EQ(numbers_of(model), before) << "nothing has moved";
}

}  // namespace
}  // namespace adjoint
