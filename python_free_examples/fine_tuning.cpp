// Fine-tuning: a network that knows the digits 0 to 4 of a display learns 5 to 9 from a few samples.
//
// First with a frozen body under a new head, then all of it with a smaller rate for the body; steps of
// several parts, averaged weights. docs/training.md has the parts one by one.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

constexpr std::int64_t side = 20, features = 32;

// Segments of a display, from the top clockwise, then the middle: first row and column, last row and column.
struct Segment {
    std::int64_t top, left, bottom, right;
};
constexpr Segment segments[] = {{3, 6, 5, 14},  {3, 12, 10, 14}, {10, 12, 17, 14}, {15, 6, 17, 14},
                                {10, 6, 17, 8}, {3, 6, 10, 8},   {9, 6, 11, 14}};
constexpr const char* lit[] = {"012345", "12",     "01346", "01236",   "1256",
                               "02356",  "023456", "012",   "0123456", "012356"};

// Displays of five digits, shifted, turned and noisy.
data::Dataset displays(int first_digit, std::int64_t of_each) {
    const std::int64_t n = 5 * of_each;
    const Tensor images = zeros({n, 1, side, side});
    std::vector<std::int64_t> classes;
    for (std::int64_t i = 0; i < n; ++i) {
        classes.push_back(i % 5);
        for (const char c : std::string(lit[first_digit + i % 5])) {
            const Segment& s = segments[c - '0'];
            images(i, 0, slice(s.top, s.bottom), slice(s.left, s.right)) = 1;
        }
    }
    const train::Transform change = train::random_affine(
        {.degrees = {-12, 12}, .right = {-2, 2}, .down = {-2, 2}, .scale = {0.85, 1.1}, .shear = {-10, 10}});
    const data::Batch changed = change({images, tensor(classes, {n})});
    return {.inputs = changed.x + 0.2 * randn(changed.x.shape()), .targets = changed.y};
}

struct Network : nn::Module {
    const nn::Sequential body =
        child("body", nn::Sequential(nn::Conv2d(1, 8, 3, {.padding = 1}), nn::ReLU(), nn::MaxPool2d(2),
                                     nn::Conv2d(8, 16, 3), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                                     nn::Linear(256, features), nn::ReLU()));
    const nn::Linear head = child("head", nn::Linear(features, 5));
    Tensor operator()(const Tensor& x) const { return head(body(x)); }
};

double accuracy_of(const Network& network, const data::Dataset& test) {
    return train::evaluate(network, cross_entropy, test).accuracy;
}

void lecture(const LectureOptions& options) {
    manual_seed(options.seed);
    const int of_each = options.quick ? 200 : 400;
    const data::Dataset known = displays(0, of_each), known_test = displays(0, 100), few = displays(5, 8),
                        test = displays(5, 100);
    const int epochs = options.quick ? 10 : 20;

    const Network first;
    optim::Adam adam(first.parameters(), {.lr = 2e-3});
    train::fit(first, cross_entropy, adam, known, {.epochs = epochs, .batch_size = 32, .verbose = false});
    say("digits 0 to 4, %d of each:     test accuracy %.3f\n", of_each, accuracy_of(first, known_test));

    // All fits of the other digits: steps of two parts, gradients of norm 1 at most, averaged weights.
    train::FitOptions fit{.epochs = 2 * epochs, .batch_size = 5, .seed = options.seed, .verbose = false};
    fit.accumulate = 2;
    fit.clip_norm = 1;
    fit.average = train::EMA{.decay = 0.95};

    const Network alone;
    optim::AdamW from_nothing(alone.parameters(), {.lr = 2e-3});
    train::fit(alone, cross_entropy, from_nothing, few, fit);
    say("digits 5 to 9, 8 of each\n  from nothing:                 test accuracy %.3f\n",
        accuracy_of(alone, test));

    // The body as it was, under a head that knows nothing yet; what is frozen is not given to the optimizer.
    const Network tuned;
    tuned.body.load(first.body.state());
    for (const Tensor& parameter : tuned.body.parameters()) parameter.set_requires_grad(false);
    optim::AdamW of_head(tuned.head.parameters(), {.lr = 1e-2});
    train::fit(tuned, cross_entropy, of_head, few, fit);
    say("  a new head on a frozen body:  test accuracy %.3f\n", accuracy_of(tuned, test));

    // All of it, the body with a tenth of the head's rate, both along one cycle.
    for (const Tensor& parameter : tuned.body.parameters()) parameter.set_requires_grad(true);
    optim::AdamW of_all({{tuned.body.parameters(), {}}, {tuned.head.parameters(), {}}});
    const std::int64_t steps = fit.epochs * (few.size() / 10);
    fit.callbacks = {train::schedule(
        optim::OneCycleLR(of_all, {.total_steps = steps, .max_lrs = {5e-4, 5e-3}}), train::Every::batch)};
    train::fit(tuned, cross_entropy, of_all, few, fit);
    say("  then all, the body slower:    test accuracy %.3f\n", accuracy_of(tuned, test));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv,
                       "Fine-tuning of a small convolutional network: new digits from a few samples.",
                       lecture, {.time = "some seconds"});
}
