// Lecture L5.7: training, validation and test; k-fold cross validation on images of digits.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

// Trains a small net; the accuracy on the other samples.
double accuracy(const data::Dataset& training, const data::Dataset& others, double dropout,
                const LectureOptions& options) {
    manual_seed(options.seed);
    const nn::Sequential net(nn::Linear(784, 128), nn::ReLU(), nn::Dropout(dropout), nn::Linear(128, 10));
    optim::Adam optimizer(net.parameters());
    train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
               {.epochs = options.quick ? 3 : 10, .batch_size = 64, .seed = options.seed, .verbose = false});
    return train::evaluate(net, nn::CrossEntropyLoss(), others).accuracy;
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset all = data::images(mnist.train).part(0, options.quick ? 1000 : 10000);
    const data::Dataset test = data::images(mnist.test);

    // The validation samples choose the setting, the test samples judge the choice, once.
    const auto [training, validation] =
        data::train_test_split(all, 0.2, {.seed = options.seed, .stratify = all.targets});
    say("%d training, %d validation, %d test images\n", static_cast<int>(training.size()),
        static_cast<int>(validation.size()), static_cast<int>(test.size()));
    double best = 0, chosen = 0;
    for (const double dropout : {0.0, 0.2, 0.5}) {
        const double score = accuracy(training, validation, dropout, options);
        say("dropout %.1f: validation accuracy %.4f\n", dropout, score);
        if (score > best) best = score, chosen = dropout;
    }
    say("chosen: dropout %.1f; test accuracy %.4f\n", chosen, accuracy(training, test, chosen, options));

    const train::CrossValidation folds =
        train::cross_validate(all, 5,
                              [&](const data::Dataset& most, const data::Dataset& rest) {
                                  return accuracy(most, rest, chosen, options);
                              },
                              {.seed = options.seed, .stratify = all.targets});
    say("accuracy in each fold:");
    for (const double score : folds.scores) std::printf(" %.4f", score);
    say("\nmean accuracy %.4f, spread %.4f\n", folds.mean, folds.std);
    picture::Chart({.title = tr("Five folds"), .x = {.label = tr("fold")}, .y = {.label = tr("accuracy")}})
        .scatter(tr("each fold"), {1, 2, 3, 4, 5}, folds.scores)
        .curve(tr("mean"), picture::Values(5, folds.mean), {.dashed = true})
        .save(options.picture("l5_7_folds.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Training, validation, test; and k-fold cross validation.", lecture,
                       {.time = "a minute", .files = "l5_7_folds.svg", .images = true});
}
