// Lecture L5.11: the loss after every iteration, not only after every epoch; and tensors of rank 1 to 6, each
// with what usually lies in it and an operation that takes it.
#include <adjoint/adjoint.h>

#include <cmath>
#include <functional>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Rank {
    const char* holds;
    Shape shape;
    const char* operation;
    std::function<Tensor(const Tensor&)> apply;
};

void ranks(std::uint64_t seed) {
    manual_seed(seed);
    const nn::Conv2d conv(3, 8, 3);
    const Rank rows[] = {
        {"one sample: features", {784}, "norm", [](const Tensor& x) { return norm(x); }},
        {"a batch: samples, features", {32, 784}, "Linear(784, 10)", nn::Linear(784, 10)},
        {"sentences: samples, words, features",
         {32, 20, 50},
         "LSTM(50, 64)",
         [](const Tensor& x) { return nn::LSTM(50, 64)(x).output; }},
        {"images: samples, channels, height, width", {32, 3, 28, 28}, "Conv2d(3, 8, 3)", conv},
        {"videos: samples, time, channels, height, width",
         {4, 10, 3, 28, 28},
         "Conv2d on each image",
         [&](const Tensor& x) {
             return reshape(conv(flatten(x, 0, 1)), {4, 10, 8, 26, 26});
         }},
        {"cameras: samples, views, time, channels, height, width",
         {4, 2, 10, 3, 28, 28},
         "mean over the views",
         [](const Tensor& x) { return mean(x, 1); }}};
    say("rank  %s %s numbers  %s result\n", padded(tr("what lies in it"), 56).c_str(),
        padded(tr("shape"), 20).c_str(), padded(tr("for instance"), 21).c_str());
    for (const Rank& row : rows) {
        const NoGrad guard;
        const Tensor x = rand(row.shape), y = row.apply(x);
        std::printf("%4d  %s %-20s %7d  %s %s\n", x.dim(), padded(tr(row.holds), 56).c_str(),
                    to_string(x.shape()).c_str(), static_cast<int>(x.numel()),
                    padded(tr(row.operation), 21).c_str(), to_string(y.shape()).c_str());
    }
}

void iterations(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::Dataset training = data::images(mnist.train).part(0, options.quick ? 3000 : 20000);
    manual_seed(options.seed);
    const nn::Sequential net(nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10));
    optim::SGD optimizer(net.parameters(), {.lr = 0.1});
    const int epochs = 3;
    const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                              {.epochs = epochs,
                                               .batch_size = 100,
                                               .seed = options.seed,
                                               .verbose = false,
                                               .callbacks = {train::record_batches()}});
    const std::size_t of_epoch = history.batches.size() / epochs;
    say("%d images in batches of 100: %d iterations an epoch\n", static_cast<int>(training.size()),
        static_cast<int>(of_epoch));
    picture::Values across, means;
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
        const double* const losses = history.batches.data() + epoch * of_epoch;
        say("epoch %d: loss of the first iterations %.3f %.3f %.3f, of the last %.3f, mean %.3f\n",
            static_cast<int>(epoch) + 1, losses[0], losses[1], losses[2], losses[of_epoch - 1],
            history.epochs[epoch].train.loss);
        if (epoch > 0) {  // the line has a gap from epoch to epoch
            across.push_back(across.back());
            means.push_back(NAN);
        }
        for (const std::size_t end : {epoch * of_epoch + 1, (epoch + 1) * of_epoch}) {
            across.push_back(static_cast<double>(end));
            means.push_back(history.epochs[epoch].train.loss);
        }
    }
    picture::Chart({.title = tr("The loss after every iteration"),
                    .x = {.label = tr("iteration")},
                    .y = {.label = tr("loss")}})
        .curve(tr("of each batch"), history.batches, {.pale = true, .width = 1})
        .line(tr("mean of each epoch"), across, means, {.width = 3})
        .save(options.picture("l5_11_iterations.svg"));
}

void lecture(const LectureOptions& options) {
    ranks(options.seed);
    std::printf("\n");
    iterations(options);
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "The loss after every iteration; tensors of rank 1 to 6.", lecture,
                       {.time = "a second", .files = "l5_11_iterations.svg", .images = true});
}
