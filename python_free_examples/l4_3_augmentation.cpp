// Lecture L4.3: augmented digits, and what they are worth where there are few.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Variant {
    const char* name;
    train::Transform transform;
};

// Rows of the sheet: each transform applied to the same digits.
void draw_sheet(const LectureOptions& options, const data::Dataset& set,
                const std::vector<Variant>& variants) {
    constexpr std::int64_t across = 10;
    data::Loader loader(set, {.batch_size = across, .shuffle = false});
    data::Batch digits;
    loader.next(digits);
    std::vector<Tensor> rows;
    std::vector<std::string> names;
    for (const Variant& variant : variants) {
        const Tensor images = variant.transform ? variant.transform(digits).x : digits.x;
        rows.push_back((clamp(squeeze(images, 1), 0, 1) * 255).to(u8));
        names.emplace_back(variant.name);
    }
    picture::save_text(
        options.picture("l4_3_sheet.svg"),
        picture::image_sheet(
            cat(rows),
            {.title = "The same ten digits, changed", .columns = across, .size = 56, .row_names = names})
            .str());
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = data::load_mnist(options.data);
    std::printf("data: %s\n", mnist.note.c_str());
    const data::ImageOptions form{.sample_shape = {1, 28, 28}};
    const data::Dataset training = data::images(mnist.train, form).part(0, options.quick ? 200 : 1000);
    const data::Dataset test = data::images(mnist.test, form).part(0, options.quick ? 500 : 10000);
    const Variant translate{"translate", train::random_affine({.right = {-3, 3}, .down = {-3, 3}})},
        rotate{"rotate", train::random_affine({.degrees = {-15, 15}})},
        shear{"shear", train::random_affine({.shear = {-15, 15}})},
        crop{"crop, resize", train::random_resized_crop(28, {.area = {0.6, 1}, .ratio = {0.8, 1.25}})},
        colors{"brightness", train::color_jitter({.brightness = {0.5, 1.5}, .contrast = {0.6, 1.4}})},
        together{"together", train::random_affine({.degrees = {-12, 12},
                                                   .right = {-2, 2},
                                                   .down = {-2, 2},
                                                   .scale = {0.9, 1.1},
                                                   .shear = {-10, 10}})};
    const Variant none{"none", {}}, mirrored{"flip", train::random_flip()};
    manual_seed(options.seed);
    const std::vector<Variant> variants{none, mirrored, crop, colors, translate, rotate, shear, together};
    draw_sheet(options, training, variants);

    picture::Chart chart(
        {.title = "Accuracy on images never seen", .x = {.label = "epoch"}, .y = {.label = "accuracy"}});
    for (const Variant& variant : variants) {
        manual_seed(options.seed);
        const nn::Sequential net(nn::Flatten(), nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10));
        optim::Adam optimizer(net.parameters());
        const train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, training,
                                                  {.epochs = options.quick ? 10 : 60,
                                                   .batch_size = 50,
                                                   .validation = test,
                                                   .seed = options.seed,
                                                   .verbose = false,
                                                   .transform = variant.transform});
        picture::Values accuracy;
        for (const train::EpochRecord& epoch : history.epochs) accuracy.push_back(epoch.validation.accuracy);
        chart.curve(variant.name, accuracy);
        std::printf("%-13s training accuracy %.4f, test accuracy %.4f\n", variant.name,
                    history.last().train.accuracy, history.last().validation.accuracy);
    }
    chart.save(options.picture("l4_3_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(argc, argv, "Data augmentation: a sheet of changed digits, accuracy with and without.",
                       lecture, {.data = true});
}
