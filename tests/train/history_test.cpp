// Histories as tables and pictures, and how a training ends before its last epoch.
#include <gtest/gtest.h>

#include <cmath>

#include <adjoint/adjoint.h>

#include "temporary_folder.h"

namespace adjoint {
namespace {

train::History two_epochs() {
    return {.epochs = {{.epoch = 1, .train = {0.5, 0.75}, .validation = {}, .seconds = 0.25},
                       {.epoch = 2, .train = {0.25, 0.875}, .validation = {0.5, NAN}, .seconds = 0.25}}};
}

TEST(History, AsTables) {
    EXPECT_EQ(train::to_csv(two_epochs()),
              "epoch,loss,accuracy,validation_loss,validation_accuracy,seconds\n"
              "1,0.5,0.75,,,0.25\n"
              "2,0.25,0.875,0.5,,0.25\n");
    EXPECT_EQ(train::to_json(two_epochs()),
              "{\"epochs\": [\n"
              "  {\"epoch\": 1, \"loss\": 0.5, \"accuracy\": 0.75, \"validation_loss\": null, "
              "\"validation_accuracy\": null, \"seconds\": 0.25},\n"
              "  {\"epoch\": 2, \"loss\": 0.25, \"accuracy\": 0.875, \"validation_loss\": 0.5, "
              "\"validation_accuracy\": null, \"seconds\": 0.25}],\n"
              " \"end\": \"\"}\n");
    EXPECT_EQ(train::to_json({.epochs = {}, .end = "a \"b\"\\\n"}),
              "{\"epochs\": [],\n \"end\": \"a \\\"b\\\"\\\\\\u000a\"}\n");
    EXPECT_EQ(train::to_json({}), "{\"epochs\": [],\n \"end\": \"\"}\n");
}

TEST(History, IsWrittenByTheEndingOfItsName) {
    const TemporaryFolder folder;
    const std::string file = folder / "history.csv";
    train::save(file, two_epochs());
    const Tensor table = data::read_csv(file);
    EXPECT_EQ(table.shape(), (Shape{2, 6}));
    EXPECT_EQ(table(1, 1).item(), 0.25);
    EXPECT_THROW(train::save("history.txt", two_epochs()), ValueError);
    const std::string svg = train::draw(two_epochs()).str();
    EXPECT_NE(svg.find(">accuracy<"), std::string::npos);
    EXPECT_NE(svg.find(">validation<"), std::string::npos);
}

// One weight and a loss that falls until epoch 4, then rises: the gradient keeps its sign.
struct Runaway {
    data::Dataset set{.inputs = ones({1, 1}), .targets = full({1, 1}, 3.5)};
    nn::Linear model{1, 1, {.bias = false}};
    Runaway() {
        const NoGrad guard;
        model.weight.fill_(0);
    }
    train::History fit(const train::FitOptions& options) const {
        optim::SGD optimizer(model.parameters(), {.lr = 1});
        const auto upwards = [](const Tensor& y, const Tensor& target) {
            return mean(abs(y - target)).detach() + mean(y.detach() - y);
        };
        return train::fit(model, upwards, optimizer, set, options);
    }
};

TEST(EarlyStopping, KeepsTheBestWeights) {
    for (const int epochs : {50, 6}) {
        const Runaway run;
        const train::History history = run.fit(
            {.epochs = epochs, .verbose = false, .callbacks = {train::early_stopping({.patience = 4})}});
        // After epoch k the weight is k; epoch k is measured with k - 1, the validation none.
        EXPECT_EQ(history.epochs.size(), epochs == 50 ? 8u : 6u);
        EXPECT_EQ(history.end, epochs == 50 ? "no better loss for 4 epochs; the best was epoch 4" : "");
        EXPECT_EQ(run.model.weight.item(), 4) << "also when training ends by itself";
    }
    EXPECT_THROW(train::early_stopping({.patience = 0}), ValueError);
}

TEST(EarlyStopping, ByTheValidationLoss) {
    const Runaway run;
    const data::Dataset nearer{.inputs = ones({1, 1}), .targets = full({1, 1}, 2.0)};
    const train::History history = run.fit({.epochs = 50,
                                            .validation = nearer,
                                            .verbose = false,
                                            .callbacks = {train::early_stopping({.patience = 3})}});
    EXPECT_EQ(history.epochs.size(), 5u);
    EXPECT_EQ(run.model.weight.item(), 2);
}

TEST(EarlyStopping, ALossThatIsNotFiniteEndsTheTraining) {
    const nn::Linear model(1, 1);
    optim::SGD optimizer(model.parameters(), {.lr = 1e20});
    const train::History history =
        train::fit(model, nn::MSELoss(), optimizer, {.inputs = ones({4, 1}), .targets = ones({4, 1})},
                   {.epochs = 50, .verbose = false});
    EXPECT_LT(history.epochs.size(), 50u);
    EXPECT_NE(history.end.find("not finite: the learning rate may be too high"), std::string::npos)
        << history.end;
    EXPECT_NE(train::to_json(history).find("\"loss\": null"), std::string::npos);
}

// The data are looked at before the learning rate is blamed.
TEST(EarlyStopping, ANumberInTheDataThatIsNotFiniteIsNamed) {
    const auto end = [](const Tensor& x, const Tensor& y, std::vector<train::Callback> callbacks) {
        const nn::Sequential model(nn::Flatten(), nn::Linear(x.numel() / x.size(0), 1));
        optim::SGD optimizer(model.parameters(), {.lr = 0.001});
        return train::fit(model, nn::MSELoss(), optimizer, {.inputs = x, .targets = y},
                          {.epochs = 3, .batch_size = 4, .verbose = false, .callbacks = std::move(callbacks)})
            .end;
    };
    const Tensor x = ones({20, 3}), y = ones({20, 1}), images = ones({20, 1, 2, 2});
    EXPECT_EQ(end(x, y, {}), "");
    x(17, 2) = NAN;
    EXPECT_EQ(end(x, y, {}),
              "the loss of epoch 1 is not finite: the inputs hold nan in row 17, column 2, counted from 0");
    EXPECT_NE(
        end(x, y, {train::stop_on_nan(train::Every::batch)}).find("inputs hold nan in row 17, column 2"),
        std::string::npos);
    y(3, 0) = -INFINITY;
    EXPECT_EQ(end(ones({20, 3}), y, {}),
              "the loss of epoch 1 is not finite: the targets hold -inf in row 3, column 0, counted from 0");
    images(4, 0, 1, 0) = -NAN;
    EXPECT_EQ(
        end(images, ones({20, 1}), {}),
        "the loss of epoch 1 is not finite: the inputs hold nan in row 4, place (0, 1, 0), counted from 0");
}

}  // namespace
}  // namespace adjoint
