// Lecture L4.1: a training watched from its first epoch to its thirtieth:
// table, curves, picture of the model.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    data::Dataset training = data::images(mnist.train);
    const data::Dataset test = data::images(mnist.test);
    if (options.quick) training = training.part(0, 10000);

    manual_seed(options.seed);
    const nn::Sequential net(nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                             nn::Linear(64, 10));
    std::printf("%s\n", tr_table(train::summary(net)).c_str());
    optim::SGD optimizer(net.parameters(), {.lr = 0.05});
    // The softmax is a part of the loss.
    const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                              {.epochs = options.quick ? 4 : 30,
                                               .batch_size = 64,
                                               .validation_split = 0.2,
                                               .seed = options.seed,
                                               .verbose = language() == Language::english,
                                               .callbacks = {korean_progress()}});
    const train::Score score = train::evaluate(net, nn::CrossEntropyLoss(), test);
    say("test accuracy %.4f, loss %.4f after %zu epochs\n", score.accuracy, score.loss,
        history.epochs.size());
    picture::save_text(options.picture("l4_1_history.svg"),
                       tr_page(train::draw(history, tr("784-128-64-10, ReLU, plain SGD")).str()));
    picture::save_text(options.picture("l4_1_model.svg"), picture::draw_model(net).str());
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "784-128-64-10 on MNIST: plain descent, 20 % of the images held out.", lecture,
        {.time = "less than a minute", .files = "l4_1_history.svg, l4_1_model.svg", .images = true});
}
