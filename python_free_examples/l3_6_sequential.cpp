// Lecture L3.6: MNIST with a Sequential of Flatten, Dense 128 ReLU, Dropout 0.2, Dense 10; Adam, five epochs.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::ImageOptions as_images{.sample_shape = {28, 28}};
    data::Dataset training = data::images(mnist.train, as_images);
    const data::Dataset test = data::images(mnist.test, as_images);
    if (options.quick) training = training.part(0, 6000);

    manual_seed(options.seed);
    const nn::Sequential model(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Dropout(0.2),
                               nn::Linear(128, 10));
    std::printf("%s\n", nn::to_string(model).c_str());
    optim::Adam optimizer(model.parameters());
    const train::History history = train::fit(model, nn::CrossEntropyLoss(), optimizer, training,
                                              {.epochs = options.quick ? 1 : 5,
                                               .batch_size = 32,
                                               .validation = test,
                                               .seed = options.seed,
                                               .verbose = language() == Language::english,
                                               .callbacks = {korean_progress()}});
    picture::save_text(options.picture("l3_6_history.svg"),
                       tr_page(train::draw(history, tr("784-128-10, ReLU, dropout 0.2, Adam")).str()));
    say("test accuracy %.4f\n", train::evaluate(model, nn::CrossEntropyLoss(), test).accuracy);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "MNIST with Sequential, Adam and dropout.", lecture,
                       {.time = "some seconds", .files = "l3_6_history.svg", .images = true});
}
