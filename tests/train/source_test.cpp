// fit, evaluate and predict on samples that are made when asked for, on streams,
// and with several inputs, outputs and targets.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>

#include <adjoint/adjoint.h>

#include "temporary_folder.h"

namespace adjoint {
namespace {

using train::CaptureMode;
using train::Tensors;

data::Dataset in_memory() {
    manual_seed(6);
    const Tensor x = randn({50, 3});
    return {.inputs = x, .targets = gt(x(all, 0), 0).to(i64)};
}

// The same samples by number.
struct Rows : data::Source {
    data::Dataset set = in_memory();
    std::int64_t size() const override { return set.size(); }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        const data::Dataset some = set.select(samples);
        return {some.inputs, some.targets};
    }
};

// The same samples in their order.
struct Lines : data::Stream {
    data::Dataset set = in_memory();
    std::int64_t at = 0;
    void begin(std::uint64_t) override { at = 0; }
    std::optional<data::Batch> next(std::int64_t count) override {
        count = std::min(count, set.size() - at);
        if (count == 0) return {};
        const data::Dataset part = set.part(at, count);
        at += count;
        return data::Batch{part.inputs, part.targets};
    }
};

struct Trained {
    train::History history;
    std::vector<float> weights;
    bool operator==(const Trained& other) const {
        if (history.epochs.size() != other.history.epochs.size() || weights != other.weights) return false;
        for (std::size_t i = 0; i < history.epochs.size(); ++i)
            if (history.epochs[i].train.loss != other.history.epochs[i].train.loss) return false;
        return true;
    }
};

Trained trained(const data::Samples& samples, train::FitOptions options) {
    manual_seed(3);
    const nn::Sequential model(nn::Linear(3, 8), nn::ReLU(), nn::Dropout(0.2), nn::Linear(8, 2));
    optim::Adam optimizer(model.parameters(), {.lr = 0.01});
    options.verbose = false;
    Trained result{train::fit(model, nn::CrossEntropyLoss(), optimizer, samples, options), {}};
    for (const Tensor& parameter : model.parameters())
        for (const float value : parameter.to_vector<float>()) result.weights.push_back(value);
    return result;
}

TEST(FitOnASource, HasTheBitsOfTheSamplesInMemory) {
    train::FitOptions options{.epochs = 3, .batch_size = 8, .validation_split = 0.2, .seed = 4};
    const Trained expected = trained(in_memory(), options);
    for (const int workers : {0, 2}) {
        options.workers = workers;
        const Trained made = trained(Rows(), options);
        EXPECT_EQ(made, expected);
        EXPECT_EQ(made.history.last().validation.loss, expected.history.last().validation.loss);
    }
    const nn::Linear model(3, 2);
    EXPECT_TRUE(equal(train::predict(model, Rows(), 7), train::predict(model, in_memory(), 7)));
    EXPECT_EQ(train::evaluate(model, cross_entropy, Rows(), 7).accuracy,
              train::evaluate(model, cross_entropy, in_memory(), 7).accuracy);
}

TEST(FitOnASource, ATransformDrawsTheSameForAnyNumberOfWorkers) {
    train::FitOptions options{.epochs = 2, .batch_size = 8, .seed = 4, .transform = [](data::Batch batch) {
                                  batch.x = batch.x + randn(batch.x.shape());
                                  return batch;
                              }};
    const Trained expected = trained(Rows(), options);
    for (const int workers : {1, 3}) {
        options.workers = workers;
        EXPECT_EQ(trained(Rows(), options), expected);
    }
}

TEST(FitOnASource, AStreamIsTrainedAndResumed) {
    const TemporaryFolder folder;
    train::FitOptions options{.epochs = 3, .batch_size = 8};
    options.validation = data::Samples(Lines());
    std::vector<std::int64_t> steps;
    const train::Callback note{.on_batch = [&steps](train::Run& run) { steps.push_back(run.step); }};
    options.callbacks = {note};
    const Trained expected = trained(Lines(), options);
    EXPECT_EQ(expected.history.epochs.size(), 3u);
    EXPECT_EQ(expected.history.last().validation.loss > 0, true);
    options.callbacks = {{.on_batch = [&](train::Run& run) {
        if (run.step != 10) return;
        run.save(folder / "run");
        run.stop("enough");
    }}};
    trained(Lines(), options);
    steps.clear();
    options.callbacks = {note};
    options.resume = folder / "run";
    EXPECT_EQ(trained(Lines(), options), expected);
    EXPECT_EQ(steps.front(), 11);
    options.resume.clear();
    options.validation.reset();
    options.validation_split = 0.1;
    EXPECT_THROW(trained(Lines(), options), ValueError);
}

TEST(FitOnASource, ASamplerChoosesAndIsResumed) {
    const TemporaryFolder folder;
    std::set<std::int64_t> seen;
    train::FitOptions options{.epochs = 2, .batch_size = 4};
    options.sampler = data::subset_sampler({3, 5, 8, 13, 21, 34});
    const Tensor inputs = in_memory().inputs;
    options.callbacks = {train::checkpoint({.path = folder / "run"})};
    const Trained two = trained(Rows(), options);
    options.epochs = 4;
    const Trained four = trained(Rows(), options);
    options.resume = folder / "run";
    options.epochs = 4;
    trained(Rows(),
            {.epochs = 2, .batch_size = 4, .callbacks = options.callbacks, .sampler = options.sampler});
    EXPECT_EQ(trained(Rows(), options), four);
    options.sampler = {};
    EXPECT_THROW(trained(Rows(), options), ValueError) << "the checkpoint is of a run with a sampler";
}

// Two inputs, two outputs as a tuple, two targets.
struct Twofold : nn::Module {
    nn::Linear left = child("left", nn::Linear(3, 4)), right = child("right", nn::Linear(2, 4));
    nn::Linear kind = child("kind", nn::Linear(4, 2)), size = child("size", nn::Linear(4, 1));
    std::tuple<Tensor, Tensor> operator()(const Tensor& a, const Tensor& b) const {
        const Tensor h = tanh(left(a) + right(b));
        return {kind(h), size(h)};
    }
};

data::Dataset twofold_set() {
    manual_seed(8);
    const Tensor a = randn({40, 3}), b = randn({40, 2});
    return {.inputs = a,
            .targets = gt(a(all, 0), 0).to(i64),
            .more_inputs = {b},
            .more_targets = {sum(b, 1, true)}};
}

template <class Loss> std::vector<float> trained_twofold(const Loss& loss, CaptureMode capture) {
    manual_seed(2);
    const Twofold model;
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    train::FitOptions options{.epochs = 3, .batch_size = 8, .verbose = false, .capture = capture};
    options.callbacks = {train::metrics(
        {{"accuracy", [](const Tensors& outputs,
                         const Tensors& targets) { return train::accuracy(outputs[0], targets[0]); }},
         {"outputs", [](const std::pair<Tensor, Tensor>& outputs, const Tensors&) {
              return static_cast<double>(outputs.second.numel());
          }}})};
    const train::History history = train::fit(model, loss, optimizer, twofold_set(), options);
    EXPECT_EQ(history.last().metrics.at("outputs"), 40);
    EXPECT_GE(history.last().metrics.at("accuracy"), 0);
    std::vector<float> all{static_cast<float>(history.last().train.loss),
                           static_cast<float>(history.last().train.accuracy)};
    for (const Tensor& parameter : model.parameters())
        for (const float value : parameter.to_vector<float>()) all.push_back(value);
    return all;
}

TEST(FitWithSeveral, LossesTakeTuplesAndLists) {
    const auto tuples = [](const std::tuple<Tensor, Tensor>& y, const std::tuple<Tensor, Tensor>& t) {
        return cross_entropy(std::get<0>(y), std::get<0>(t)) + mse_loss(std::get<1>(y), std::get<1>(t));
    };
    const auto lists = [](const Tensors& y, const Tensors& t) {
        return cross_entropy(y[0], t[0]) + mse_loss(y[1], t[1]);
    };
    const auto mixed = [](const std::pair<Tensor, Tensor>& y, const Tensors& t) {
        return cross_entropy(y.first, t[0]) + mse_loss(y.second, t[1]);
    };
    // By hand.
    manual_seed(2);
    const Twofold model;
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    data::Loader loader(twofold_set(), {.batch_size = 8});
    for (int epoch = 0; epoch < 3; ++epoch)
        for (const data::Batch& batch : loader) {
            optimizer.zero_grad();
            const auto [kind, size] = model(batch.x, batch.more_x[0]);
            (cross_entropy(kind, batch.y) + mse_loss(size, batch.more_y[0])).backward();
            optimizer.step();
        }
    std::vector<float> expected;
    for (const Tensor& parameter : model.parameters())
        for (const float value : parameter.to_vector<float>()) expected.push_back(value);
    for (const CaptureMode capture : {CaptureMode::off, CaptureMode::on}) {
        const std::vector<float> by_tuples = trained_twofold(tuples, capture);
        EXPECT_EQ(std::vector<float>(by_tuples.begin() + 2, by_tuples.end()), expected);
        EXPECT_EQ(trained_twofold(lists, capture), by_tuples);
        EXPECT_EQ(trained_twofold(mixed, capture), by_tuples);
    }
}

TEST(FitWithSeveral, ModelsOfAListAndWhatDoesNotFit) {
    struct Summed : nn::Module {
        nn::Linear fc = child("fc", nn::Linear(3, 2));
        Tensor operator()(const std::vector<Tensor>& parts) const {
            return fc(parts[0]) + sum(parts[1], 1, true);
        }
    };
    data::Dataset set = twofold_set();
    EXPECT_EQ(train::predict(Summed(), set).shape(), (Shape{40, 2}));
    EXPECT_EQ(train::predictions(Twofold(), set).outputs[1].shape(), (Shape{40, 1}));
    EXPECT_EQ(train::predictions(Twofold(), set).targets.size(), 2u);
    const auto message = [&](const auto& model, const auto& loss) -> std::string {
        try {
            train::evaluate(model, loss, set);
        } catch (const ShapeError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(message(nn::Linear(3, 2), cross_entropy),
              "the model cannot be called with the 2 inputs of a batch, neither one by one nor as a "
              "std::vector; what is called is operator()(const Tensor&, ..) const (forward() in PyTorch)");
    EXPECT_EQ(
        message(Twofold(), cross_entropy),
        "the loss cannot be called with 2 outputs and 2 targets; it takes each as a tensor if it is one, "
        "else as a tuple or a std::vector");
}

}  // namespace
}  // namespace adjoint
