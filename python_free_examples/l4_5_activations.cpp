// Lecture L4.5: swish and other activations, each with the same net and the same budget.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Choice {
    const char* name;
    nn::Layer layer;
};

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    data::Dataset training = data::images(mnist.train), test = data::images(mnist.test);
    if (options.quick) training = training.part(0, 3000), test = test.part(0, 1000);
    const Choice choices[] = {{"sigmoid", nn::Sigmoid()}, {"tanh", nn::Tanh()},
                              {"ReLU", nn::ReLU()},       {"leaky ReLU", nn::LeakyReLU(0.1)},
                              {"ELU", nn::ELU()},         {"swish", nn::SiLU()},
                              {"GELU", nn::GELU()},       {"mish", nn::Mish()}};
    picture::Chart chart({.title = tr("Loss at equal budget"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("validation loss"), .log = true}});
    say("activation  training loss    test loss  test accuracy  seconds per epoch\n");
    for (const Choice& choice : choices) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Linear(784, 128), choice.layer, nn::Linear(128, 64), choice.layer,
                                 nn::Linear(64, 10));
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                                  {.epochs = options.quick ? 4 : 5,
                                                   .batch_size = 64,
                                                   .validation = test,
                                                   .seed = options.seed,
                                                   .verbose = false});
        picture::Values losses;
        double seconds = 0;
        for (const train::EpochRecord& epoch : history.epochs) {
            losses.push_back(epoch.validation.loss);
            seconds += epoch.seconds / static_cast<double>(history.epochs.size());
        }
        chart.curve(tr(choice.name), losses, {.points = true});
        const train::EpochRecord& last = history.last();
        std::printf("%s  %13.4f  %11.4f  %13.4f  %17.2f\n", padded(tr(choice.name), 10).c_str(),
                    last.train.loss, last.validation.loss, last.validation.accuracy, seconds);
    }
    chart.save(options.picture("l4_5_activations.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Eight activations in one net: loss and accuracy at equal budget.",
                       lecture,
                       {.time = "less than a minute", .files = "l4_5_activations.svg", .images = true});
}
