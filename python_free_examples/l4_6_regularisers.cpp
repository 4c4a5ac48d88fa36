// Lecture L4.6: one table of regularisers: what each is worth to one net on few images.
#include <adjoint/adjoint.h>

#include <memory>

#include "lecture.h"

using namespace adjoint;

namespace {

// A small residual net with room for each of them.
struct Net : nn::Module {
    struct Parts {
        nn::Layer pool = nn::MaxPool2d(2);
        nn::Layer on_branch = nn::Identity();
        nn::Layer before_hidden = nn::Identity();
        nn::Layer hidden = nn::Linear(784, 64);
    };
    explicit Net(const Parts& parts)
        : body(child("body", nn::Sequential(parts.pool, nn::ReLU()))),
          branch(child("branch",
                       nn::Sequential(nn::Conv2d(16, 16, 3, {.padding = 1}), nn::ReLU(), parts.on_branch))),
          head(child("head", nn::Sequential(nn::MaxPool2d(2), nn::Flatten(), parts.before_hidden,
                                            parts.hidden, nn::ReLU(), nn::Linear(64, 10)))) {}
    Tensor operator()(const Tensor& x) const {
        const Tensor h = body(first(x));
        return head(h + branch(h));
    }

    const nn::Conv2d first = child("first", nn::Conv2d(1, 16, 3, {.padding = 1}));
    const nn::Sequential body, branch, head;
};

struct Row {
    const char* name;
    std::function<Net::Parts()> parts = [] { return Net::Parts(); };  // after the seed is set
    train::Transform transform = {};
};

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::ImageOptions form{.sample_shape = {1, 28, 28}};
    const data::Dataset training = data::images(mnist.train, form).part(0, options.quick ? 100 : 1000);
    const data::Dataset test = data::images(mnist.test, form).part(0, options.quick ? 200 : 10000);
    const Row rows[] = {
        {.name = "none"},
        {.name = "dropout", .parts = [] { return Net::Parts{.before_hidden = nn::Dropout(0.5)}; }},
        {.name = "DropConnect", .parts = [] { return Net::Parts{.hidden = nn::DropConnect(784, 64, 0.5)}; }},
        {.name = "stochastic depth",
         .parts = [] { return Net::Parts{.on_branch = nn::StochasticDepth(0.3)}; }},
        {.name = "fractional max pool",
         .parts =
             [] {
                 return Net::Parts{.pool = nn::FractionalMaxPool2d(2, {.output_size = 20}),
                                   .hidden = nn::Linear(1600, 64)};
             }},
        {.name = "batch normalisation",
         .parts =
             [] {
                 return Net::Parts{.on_branch = nn::BatchNorm2d(16), .before_hidden = nn::BatchNorm1d(784)};
             }},
        {.name = "cutout", .transform = train::cutout(8)},
        {.name = "mixup", .transform = train::mixup(10, 0.4)}};
    picture::Chart chart({.title = tr("Accuracy on the images learnt from and on others"),
                          .x = {.label = tr("training accuracy")},
                          .y = {.label = tr("test accuracy")},
                          .width = 560});
    say("regulariser          training accuracy  test accuracy    test loss\n");
    for (const Row& row : rows) {
        manual_seed(options.seed);
        const Net net(row.parts());
        optim::Adam optimizer(net.parameters());
        train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                   {.epochs = options.quick ? 6 : 25,
                    .batch_size = options.quick ? 10 : 50,
                    .seed = options.seed,
                    .verbose = false,
                    .transform = row.transform});
        const train::Score seen = train::evaluate(net, nn::CrossEntropyLoss(), training),
                           unseen = train::evaluate(net, nn::CrossEntropyLoss(), test);
        std::printf("%s %17.4f  %13.4f  %11.4f\n", padded(tr(row.name), 20).c_str(), seen.accuracy,
                    unseen.accuracy, unseen.loss);
        chart.scatter(tr(row.name), {seen.accuracy}, {unseen.accuracy}, 7);
    }
    chart.save(options.picture("l4_6_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv,
                       "Dropout, DropConnect, stochastic depth, fractional pooling, batch normalisation, "
                       "cutout, mixup: a table.",
                       lecture, {.time = "a minute", .files = "l4_6_accuracy.svg", .images = true});
}
