// Lecture L3.4: Boston housing. The price of a house from 13 features by a small net: one split into training
// and test, then k-fold cross validation.
#include <adjoint/adjoint.h>

#include <cmath>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Result {
    double rmse = 0;
    Tensor predicted;  // of the test samples, in thousands of dollars
};

// Trains on one part and measures on the other. Mean and deviation come from the training part alone.
Result train_and_test(const data::Dataset& training, const data::Dataset& test,
                      const LectureOptions& options) {
    const data::Standardizer features = data::Standardizer::fit(training.inputs),
                             prices = data::Standardizer::fit(training.targets);
    manual_seed(options.seed);
    const nn::Sequential net(nn::Linear(13, 64), nn::ReLU(), nn::Linear(64, 64), nn::ReLU(),
                             nn::Linear(64, 1));
    optim::AdamW optimizer(net.parameters(), {.lr = 0.003, .weight_decay = 0.1});
    train::fit(
        net, nn::MSELoss(), optimizer,
        {.inputs = features.transform(training.inputs), .targets = prices.transform(training.targets)},
        {.epochs = options.quick ? 30 : 100, .batch_size = 32, .seed = options.seed, .verbose = false});
    net.eval();
    const NoGrad guard;
    const Tensor predicted = prices.inverse(net(features.transform(test.inputs)));
    return {.rmse = std::sqrt(mse_loss(predicted, test.targets).item()), .predicted = predicted};
}

void lecture(const LectureOptions& options) {
    const std::string path = options.data_file("tabular", "boston_housing.data", "boston");
    const Tensor table = data::read_csv(path, {.delimiter = ' '});
    const data::Dataset houses{.inputs = narrow(table, 1, 0, 13).contiguous(),
                               .targets = narrow(table, 1, 13, 1).contiguous()};
    const auto [training, test] = data::train_test_split(houses, 0.2, {.seed = options.seed});
    const double baseline = std::sqrt(mean(square(test.targets - mean(training.targets))).item());
    say("%d houses to train on, %d to test; always the mean price: test RMSE %.2f\n",
        static_cast<int>(training.size()), static_cast<int>(test.size()), baseline);
    const Result once = train_and_test(training, test, options);
    say("net 13-64-64-1: test RMSE %.2f thousand dollars\n", once.rmse);

    const std::int64_t k = options.quick ? 3 : 10;
    double total = 0, squares = 0;
    say("%d-fold cross validation: RMSE", static_cast<int>(k));
    for (const data::Split& fold : data::k_fold(houses.size(), k, {.seed = options.seed})) {
        const double rmse = train_and_test(houses.select(fold.train), houses.select(fold.test), options).rmse;
        std::printf(" %.2f", rmse);
        total += rmse;
        squares += rmse * rmse;
    }
    const double mean_rmse = total / static_cast<double>(k);
    say("\nmean %.2f, deviation %.2f\n", mean_rmse,
        std::sqrt(squares / static_cast<double>(k) - mean_rmse * mean_rmse));
    picture::Chart({.title = tr("Boston housing: test houses"),
                    .x = {.label = tr("price in thousand dollars")},
                    .y = {.label = tr("predicted")}})
        .line(tr("exact"), {5, 50}, {5, 50}, {.dashed = true})
        .scatter(tr("houses"), test.targets.to_vector<double>(), once.predicted.to_vector<double>(), 3)
        .save(options.picture("l3_4_boston.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Boston housing: regression with a split and with k folds.", lecture,
                       {.time = "some seconds", .files = "l3_4_boston.svg", .data = "boston_housing.data"});
}
