// Images in class folders: augmentation, workers, a training that is stopped and goes on with the same bits,
// and how well each class is told from the others.
#include <adjoint/adjoint.h>

#include "usual_options.h"

#include <cstdio>
#include <filesystem>
#include <string>

using namespace adjoint;

namespace {

constexpr std::int64_t side = 32;
constexpr const char* shapes[] = {"circle", "square", "triangle"};

/// Whether (x, y) lies in the shape, which reaches from -1 to 1.
Tensor inside(int shape, const Tensor& x, const Tensor& y) {
    if (shape == 0) return x * x + y * y < 1;
    if (shape == 1) return maximum(abs(x), abs(y)) < 0.85;
    return maximum(y - 0.8, abs(x) * 1.8 - y - 1) < 0;
}

/// `count` images of each shape, of some bright colour on some dark one, somewhere.
void draw(const std::string& folder, int count) {
    const Tensor row = reshape(arange(40), {1, 40}), column = reshape(row, {40, 1});
    for (int shape = 0; shape < 3; ++shape) {
        const std::string into = folder + "/" + shapes[shape] + "/";
        std::filesystem::create_directories(into);
        for (int i = 0; i < count; ++i) {
            const auto place = (rand({3}) * 10).to_vector<double>();
            const double radius = 8 + place[2] / 2;
            const Tensor within =
                inside(shape, (row - 15 - place[0]) / radius, (column - 15 - place[1]) / radius);
            const Tensor image = where(unsqueeze(within, 2), 100 + 135 * rand({3}), 100 * rand({3}));
            picture::save_png(into + std::to_string(i) + ".png", (image + 20 * rand({40, 40, 3})).to(u8));
        }
    }
}

struct Learner {
    nn::Sequential model;
    optim::Adam optimizer{model.parameters(), {.lr = 2e-3}};

    explicit Learner(std::int64_t classes)
        : model(nn::Conv2d(3, 16, 3, {.stride = 2, .padding = 1}), nn::BatchNorm2d(16), nn::ReLU(),
                nn::Conv2d(16, 32, 3, {.padding = 1}), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                nn::Dropout(0.2), nn::Linear(32 * 8 * 8, classes)) {}
    void fit(const data::ImageFolder& images, const train::FitOptions& options) {
        train::fit(model, nn::CrossEntropyLoss(), optimizer, images, options);
    }
};

struct Settings {
    std::string data, out = "shapes";
    std::optional<int> epochs;
    int workers = 2;
    std::uint64_t seed = 1;
    bool quick = false;
};

void run(const Settings& s) {
    const std::string from = s.data.empty() ? s.out : s.data;
    const int epochs = s.epochs.value_or(s.quick ? 4 : 8);
    if (epochs < 2)
        throw UsageError(text_of("--epochs %d, expected 2 or more, since it stops in between", epochs));
    manual_seed(s.seed);
    std::filesystem::create_directories(s.out);
    if (from == s.out) {
        draw(s.out + "/train", s.quick ? 60 : 300);
        draw(s.out + "/test", s.quick ? 30 : 100);
    }
    const data::ImageFolderOptions form{.height = side, .width = side, .mean = {0.5}, .std = {0.25}};
    const data::ImageFolder images(from + "/train", form), test(from + "/test", form);
    say("training: %s\ntest: %s\n", images.note().c_str(), test.note().c_str());
    if (test.classes() != images.classes())
        throw ValueError("image_folder: train and test differ in classes");

    train::FitOptions options{
        .epochs = epochs,
        .batch_size = 32,
        .validation = test,
        .verbose = language() == Language::english,
        .transform =
            train::compose({train::random_flip(),
                            train::random_affine({.degrees = {-10, 10}, .right = {-2, 2}, .down = {-2, 2}}),
                            train::color_jitter({.brightness = {0.8, 1.2}})}),
        .callbacks = {train::checkpoint({.path = s.out + "/run.ckpt"}), korean_progress()},
        .workers = s.workers};
    manual_seed(s.seed);
    Learner whole(std::ssize(images.classes()));
    whole.fit(images, options);

    options.verbose = false;  // the rest in silence
    options.callbacks.pop_back();
    options.epochs = epochs / 2;
    manual_seed(s.seed);
    Learner stopped(std::ssize(images.classes()));
    stopped.fit(images, options);
    options.epochs = epochs;
    options.resume = s.out + "/run.ckpt";
    options.workers = 0;  // of which the bits know nothing
    Learner resumed(std::ssize(images.classes()));
    resumed.fit(images, options);
    const bool same = equal(train::predict(whole.model, test), train::predict(resumed.model, test));
    say("stopped after epoch %d and resumed: %s\n", epochs / 2,
        same ? tr("the same bits") : tr("other bits"));
    if (!same) throw Error("image_folder: a resumed training differs from one that was not stopped");

    const train::Predictions seen = train::predictions(resumed.model, test);
    const train::Classification found = train::classification(seen.outputs[0], seen.targets[0]);
    for (std::size_t k = 0; k < found.classes.size(); ++k)
        say("%-10s %.3f of %d were found\n", test.classes()[k].c_str(), found.classes[k].recall,
            static_cast<int>(found.classes[k].support));
    say("test accuracy %.4f\n", found.accuracy);
}

}  // namespace

int main(int argc, char** argv) {
    Settings s;
    return run_program(
        argc, argv,
        {.what = "Learns the classes of a folder of images, stops, and goes on.",
         .data = "a folder of images, or none",
         .time = "some seconds",
         .files = "the shapes, in train and test, and a checkpoint"},
        {{"data", "folder with train/CLASS/*.png or .jpg and test/CLASS/..; without it shapes are drawn",
          &s.data},
         {"out", "folder for the shapes and the checkpoint", &s.out},
         {"epochs", "how often each image is seen; by default 8, quick 4", &s.epochs},
         {"workers", "threads that read and augment", &s.workers},
         {"seed", "of the random numbers", &s.seed},
         {"quick", "few images and epochs", &s.quick}},
        [&] { run(s); });
}
