// Lecture L1.4: dropout against overfitting on few images; by default those of Fashion-MNIST.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const std::int64_t few = options.quick ? 500 : 3000;
    const data::Dataset training = data::images(mnist.train).part(0, few);
    const data::Dataset validation = data::images(mnist.test).part(0, options.quick ? 500 : 5000);
    picture::Chart chart({.title = tr("Loss with and without dropout"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("loss")}});
    for (const double p : {0.0, 0.5}) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Linear(784, 256), nn::ReLU(), nn::Dropout(p), nn::Linear(256, 256),
                                 nn::ReLU(), nn::Dropout(p), nn::Linear(256, 10));
        optim::Adam optimizer(net.parameters());
        const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                                  {.epochs = options.quick ? 15 : 40,
                                                   .batch_size = 64,
                                                   .validation = validation,
                                                   .seed = options.seed,
                                                   .verbose = false});
        picture::Values seen, unseen;
        for (const train::EpochRecord& epoch : history.epochs) {
            seen.push_back(epoch.train.loss);
            unseen.push_back(epoch.validation.loss);
        }
        const train::EpochRecord& last = history.last();
        say("dropout %.1f: training loss %.4f accuracy %.4f, validation loss %.4f accuracy %.4f, gap %.4f\n",
            p, last.train.loss, last.train.accuracy, last.validation.loss, last.validation.accuracy,
            last.validation.loss - last.train.loss);
        const std::string name = tr(p > 0 ? "dropout" : "no dropout");
        chart.curve(name + tr(", training"), seen, {.dashed = true}).curve(name + tr(", validation"), unseen);
    }
    chart.save(options.picture("l1_4_dropout.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Training and validation loss of one net with and without dropout.",
                       lecture, {.time = "a minute", .files = "l1_4_dropout.svg", .images = true});
}
