// Callbacks: which events come when, what they see, and how they end a run.
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

// Ten samples of y = 2x and a line to learn it, three batches an epoch.
struct Line {
    data::Dataset set{.inputs = reshape(arange(10), {10, 1}).to(f32) / 10,
                      .targets = reshape(arange(10), {10, 1}).to(f32) / 5};
    nn::Linear model{1, 1};
    optim::SGD optimizer{model.parameters(), {.lr = 0.1}};

    train::History fit(train::FitOptions options) {
        options.batch_size = 4;
        options.verbose = false;
        return train::fit(model, nn::MSELoss(), optimizer, set, options);
    }
};

std::string place(const char* event, const train::Run& run) {
    return event + std::to_string(run.epoch) + "." + std::to_string(run.batch) + "." +
           std::to_string(run.step) + " ";
}

TEST(Callback, EventsComeInOrder) {
    Line line;
    std::string seen;
    const auto note = [&seen](const char* event) {
        return [&seen, event](train::Run& run) { seen += place(event, run); };
    };
    line.fit({.epochs = 2,
              .callbacks = {{.on_begin = note("begin"),
                             .on_batch = note("batch"),
                             .on_epoch = note("epoch"),
                             .on_end = note("end")},
                            {.on_epoch = [&seen](train::Run&) { seen += "second "; }}}});
    EXPECT_EQ(seen,
              "begin0.0.0 batch1.1.1 batch1.2.2 batch1.3.3 epoch1.3.3 second "
              "batch2.1.4 batch2.2.5 batch2.3.6 epoch2.3.6 second end2.3.6 ");
}

TEST(Callback, SeesTheBatchWithoutItsGraph) {
    Line line;
    int batches = 0;
    double sum_of_losses = 0;
    const train::History history = line.fit(
        {.callbacks = {{.on_batch =
                            [&](train::Run& run) {
                                ++batches;
                                EXPECT_TRUE(run.loss.is_leaf());
                                EXPECT_FALSE(run.output.requires_grad());
                                EXPECT_NEAR(mse_loss(run.output, run.target).item(), run.loss.item(), 1e-7);
                                sum_of_losses += run.loss.item() * static_cast<double>(run.target.numel());
                                EXPECT_NEAR(run.score().loss, sum_of_losses / std::min(10, 4 * batches),
                                            1e-6);
                            },
                        .on_epoch = [](train::Run& run) { EXPECT_FALSE(run.loss.defined()); }}}});
    EXPECT_EQ(batches, 3);
    EXPECT_NEAR(history.last().train.loss, sum_of_losses / 10, 1e-6);
}

TEST(Callback, AStopEndsTheRunAfterTheBatchOrEpoch) {
    Line line;
    const auto stop_at = [](std::int64_t step) {
        return [step](train::Run& run) {
            if (run.step >= step) run.stop("enough");
        };
    };
    bool ended = false;
    train::History history = line.fit({.epochs = 10,
                                       .callbacks = {{.on_epoch = stop_at(6)},
                                                     {.on_epoch =
                                                          [](train::Run& run) {
                                                              if (run.stopping()) run.stop("too late");
                                                          },
                                                      .on_end = [&](train::Run&) { ended = true; }}}});
    EXPECT_EQ(history.epochs.size(), 2u);
    EXPECT_EQ(history.end, "enough") << "the first reason counts";
    EXPECT_TRUE(ended);
    history = line.fit({.epochs = 10, .callbacks = {{.on_batch = stop_at(5)}}});
    EXPECT_EQ(history.epochs.size(), 1u) << "the second epoch was left in its middle";
    EXPECT_THROW(line.fit({.callbacks = {{.on_begin = [](train::Run& run) { run.stop(""); }}}}), ValueError);
    EXPECT_EQ(line.fit({.callbacks = {{.on_begin = stop_at(0)}}}).epochs.size(), 0u);
}

TEST(Callback, AnExceptionReachesTheCaller) {
    Line line;
    line.model.eval();
    EXPECT_THROW(
        line.fit({.callbacks = {{.on_batch = [](train::Run&) { throw std::out_of_range("mine"); }}}}),
        std::out_of_range);
    EXPECT_FALSE(line.model.is_training()) << "the mode is restored";
}

TEST(Callback, AStateNeedsAWayBack) {
    Line line;
    EXPECT_THROW(line.fit({.callbacks = {{.state = [] { return data::NamedTensors{}; }}}}), ValueError);
    EXPECT_THROW(line.fit({.callbacks = {{.load_state = [](const data::NamedTensors&) {}}}}), ValueError);
}

TEST(Callback, RecordsOwnFigures) {
    Line line;
    const train::History history =
        line.fit({.epochs = 2, .callbacks = {{.on_epoch = [](train::Run& run) {
                                   run.record("twice", 2 * run.history.last().train.loss);
                               }}}});
    EXPECT_EQ(history.epochs[1].metrics.at("twice"), 2 * history.epochs[1].train.loss);
    EXPECT_NE(train::to_csv(history).find("seconds,twice\n"), std::string::npos);
    EXPECT_NE(train::to_json(history).find("\"twice\": "), std::string::npos);
    EXPECT_NE(train::to_string(history.last(), 2).find("  twice "), std::string::npos);
    EXPECT_THROW(line.fit({.callbacks = {{.on_batch = [](train::Run& run) { run.record("early", 1); }}}}),
                 ValueError);
}

TEST(Schedule, AsCallbackStepsAfterEpochsOrBatches) {
    std::vector<double> rates;
    const train::Callback watch{.on_batch = [&](train::Run& run) { rates.push_back(run.optimizer.lr()); }};
    Line line;
    line.fit({.epochs = 2, .callbacks = {watch, train::schedule(optim::StepLR(line.optimizer, 1, 0.5))}});
    EXPECT_EQ(rates, (std::vector<double>{0.1, 0.1, 0.1, 0.05, 0.05, 0.05}));
    rates.clear();
    Line other;
    other.fit(
        {.callbacks = {watch, train::schedule(optim::StepLR(other.optimizer, 1, 0.5), train::Every::batch)}});
    EXPECT_EQ(rates, (std::vector<double>{0.1, 0.05, 0.025}));
}

TEST(Schedule, OnAPlateauAsCallback) {
    Line line;
    line.optimizer.set_lr(0);  // nothing gets better
    optim::ReduceLROnPlateau plateau(line.optimizer, {.factor = 0.5, .patience = 0, .eps = 0});
    line.optimizer.set_lr(1e-12);
    line.fit({.epochs = 3, .callbacks = {train::schedule(plateau)}});
    EXPECT_EQ(line.optimizer.lr(), 0.25e-12);
}

TEST(RecordBatches, KeepsEveryLoss) {
    Line line;
    std::vector<double> losses;
    const train::History history =
        line.fit({.epochs = 2, .callbacks = {train::record_batches(), {.on_batch = [&](train::Run& run) {
                                                 losses.push_back(run.loss.item());
                                                 if (run.step == 5) run.stop("in the middle");
                                             }}}});
    EXPECT_EQ(losses.size(), 5u);
    EXPECT_EQ(history.batches, losses);
    EXPECT_NE(train::to_json(history).find("\"batches\": ["), std::string::npos);
}

TEST(StopOnNan, ByBatch) {
    Line line;
    line.set.targets(3, 0) = NAN;
    const train::History history =
        line.fit({.epochs = 3, .callbacks = {train::stop_on_nan(train::Every::batch)}});
    EXPECT_TRUE(history.empty());
    EXPECT_NE(history.end.find("of epoch 1 is not finite"), std::string::npos) << history.end;
}

TEST(Metric, MeasuresTheValidationSetOrElseTheTrainingSet) {
    Line line;
    const auto mean_error = [](const Tensor& outputs, const Tensor& targets) {
        return mean(abs(outputs - targets)).item();
    };
    train::History history = line.fit({.callbacks = {train::metric("error", mean_error)}});
    EXPECT_NEAR(history.last().metrics.at("error"), mean_error(line.model(line.set.inputs), line.set.targets),
                1e-6);
    history =
        line.fit({.validation = line.set.part(7, 3), .callbacks = {train::metric("error", mean_error)}});
    const data::Dataset held = line.set.part(7, 3);
    EXPECT_NEAR(history.last().metrics.at("error"), mean_error(line.model(held.inputs), held.targets), 1e-6);
    EXPECT_THROW(train::metric("", mean_error), ValueError);
}

}  // namespace
}  // namespace adjoint
