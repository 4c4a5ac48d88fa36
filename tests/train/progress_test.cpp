// The progress line: its figures, and that a file gets one plain line per epoch.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

TEST(Progress, ShowsRateScoreAndTimeLeft) {
    const train::ProgressState half{.epoch = 2,
                                    .epochs = 8,
                                    .batch = 450,
                                    .batches = 900,
                                    .rate = 90,
                                    .score = {.loss = 0.12345, .accuracy = 0.965}};
    EXPECT_EQ(
        to_string(half),
        "epoch 2/8 [============............] 450/900  90 batches/s  loss 0.1235  accuracy 0.9650  0:05 "
        "left, 1:05 in all");
    // At 0.25 batches a second the hours come; without class numbers there is no accuracy.
    EXPECT_EQ(
        to_string(train::ProgressState{.epoch = 1,
                                       .epochs = 1,
                                       .batch = 1,
                                       .batches = 1801,
                                       .rate = 0.25,
                                       .score = {.loss = 2, .accuracy = NAN}}),
        "epoch 1/1 [........................]    1/1801  0.25 batches/s  loss 2.0000  2:00:00 left, 2:00:00 "
        "in all");
    const std::string first = to_string(train::ProgressState{.epoch = 1, .epochs = 1, .batches = 5});
    EXPECT_EQ(first.find("batches/s"), std::string::npos) << first;
    EXPECT_EQ(first.find("left"), std::string::npos) << first;
}

TEST(Progress, AFileGetsOneLinePerEpoch) {
    manual_seed(1);
    const data::Dataset set{.inputs = randn({64, 3}), .targets = randint(0, 2, {64})};
    const nn::Sequential model(nn::Linear(3, 2));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    testing::internal::CaptureStdout();
    const train::History history =
        train::fit(model, nn::CrossEntropyLoss(), optimizer, set, {.epochs = 3, .batch_size = 4});
    const std::string text = testing::internal::GetCapturedStdout();
    std::string wanted;
    for (const train::EpochRecord& record : history.epochs) wanted += to_string(record, 3) + "\n";
    EXPECT_EQ(text, wanted);
}

TEST(Progress, SaysWhyTrainingEndedEarly) {
    const data::Dataset set{.inputs = ones({8, 3}), .targets = zeros({8}, {.dtype = i64})};
    const nn::Sequential model(nn::Linear(3, 2));
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    testing::internal::CaptureStdout();
    const train::History history = train::fit(
        model, nn::CrossEntropyLoss(), optimizer, set,
        {.epochs = 3, .callbacks = {{.on_epoch = [](train::Run& run) { run.stop("that is enough"); }}}});
    EXPECT_EQ(testing::internal::GetCapturedStdout(),
              to_string(history.last(), 3) + "\ntraining ended early: that is enough\n");
}

}  // namespace
}  // namespace adjoint
