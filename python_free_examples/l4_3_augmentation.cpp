// Lecture L4.3: augmented digits, and what they are worth where there are few. Colour, which digits have
// none of, is shown on drawn scenes, and so is what stretching and lenses do to straight lines.
#include <adjoint/adjoint.h>

#include "lecture.h"

using namespace adjoint;

namespace {

struct Variant {
    const char* name;
    train::Transform transform;
};

// Rows of the sheet: each transform applied to the same images, (N, C, H, W).
picture::Svg sheet_of(const Tensor& images, const std::vector<Variant>& variants,
                      const picture::SheetOptions& options) {
    std::vector<Tensor> rows;
    picture::SheetOptions named = options;
    for (const Variant& variant : variants) {
        const Tensor x = variant.transform ? variant.transform({images, Tensor()}).x : images;
        const Tensor pixels = (clamp(x, 0, 1) * 255).to(u8);
        rows.push_back(x.size(1) == 1 ? squeeze(pixels, 1) : permute(pixels, {0, 2, 3, 1}));
        named.row_names.emplace_back(tr(variant.name));
    }
    return picture::image_sheet(cat(rows), named);
}

void draw_digits(const LectureOptions& options, const data::Dataset& set,
                 const std::vector<Variant>& variants) {
    constexpr int across = 10;
    data::Loader loader(set, {.batch_size = across, .shuffle = false});
    data::Batch digits;
    loader.next(digits);
    picture::save_text(options.picture("l4_3_sheet.svg"),
                       sheet_of(digits.x, variants,
                                {.title = tr("The same ten digits, changed"), .columns = across, .size = 56})
                           .str());
}

// A house under the sun: (3, side, side), 0 to 1.
Tensor scene(std::int64_t side) {
    const Tensor line = linspace(0, 1, side, f32), x = unsqueeze(line, 0), y = unsqueeze(line, 1);
    const auto paint = [&](Tensor& image, const Tensor& where_, double red, double green, double blue) {
        image = where(unsqueeze(where_, 0), reshape(tensor({red, green, blue}), {3, 1, 1}), image);
    };
    const auto box = [&](double left, double top, double right, double bottom) {
        return logical_and(logical_and(ge(x, left), lt(x, right)), logical_and(ge(y, top), lt(y, bottom)));
    };
    const double left = 0.15 + 0.3 * rand({}).item(), sun = 0.2 + 0.6 * rand({}).item();
    Tensor image = stack({0.45 + 0.3 * y + 0 * x, 0.7 + 0.2 * y + 0 * x, 0.95 + 0 * y + 0 * x});
    paint(image, lt(square(x - sun) + square(y - 0.18), 0.01), 1, 0.85, 0.2);
    paint(image, box(0, 0.7, 1.1, 1.1), 0.3, 0.6, 0.25);
    paint(image, box(left, 0.45, left + 0.4, 0.8), 0.85, 0.3, 0.25);
    paint(image, logical_and(lt(abs(x - left - 0.2), (y - 0.25) * 1.3), box(0, 0.25, 1, 0.45)), 0.45, 0.25,
          0.2);
    paint(image, box(left + 0.05, 0.52, left + 0.16, 0.64), 0.95, 0.95, 0.8);
    paint(image, box(left + 0.24, 0.55, left + 0.34, 0.8), 0.3, 0.2, 0.4);
    return image;
}

void draw_scenes(const LectureOptions& options) {
    constexpr int across = 6;
    std::vector<Tensor> scenes;
    for (int i = 0; i < across; ++i) scenes.push_back(scene(56));
    const std::vector<Variant> variants{
        {"none", {}},
        {"hue", train::color_jitter({.hue = {-0.5, 0.5}})},
        {"saturation", train::color_jitter({.saturation = {0, 2}})},
        {"brightness", train::color_jitter({.brightness = {0.5, 1.4}, .contrast = {0.6, 1.4}})},
        {"stretching", train::random_affine({.stretch = {0.5, 2}, .fill = 0.5})},
        {"lens", train::random_lens({.strength = {-0.3, 0.6}, .fill = 0.5})}};
    picture::save_text(
        options.picture("l4_3_colors.svg"),
        sheet_of(stack(scenes), variants, {.title = tr("Six scenes, changed"), .columns = across}).str());
}

void lecture(const LectureOptions& options) {
    const data::Mnist mnist = options.images();
    const data::ImageOptions form{.sample_shape = {1, 28, 28}};
    const data::Dataset training = data::images(mnist.train, form).part(0, options.quick ? 200 : 1000);
    const data::Dataset test = data::images(mnist.test, form).part(0, options.quick ? 500 : 10000);
    const Variant translate{"translate", train::random_affine({.right = {-3, 3}, .down = {-3, 3}})},
        rotate{"rotate", train::random_affine({.degrees = {-15, 15}})},
        shear{"shear", train::random_affine({.shear = {-15, 15}})},
        stretch{"stretch", train::random_affine({.stretch = {0.7, 1.4}})},
        lens{"lens", train::random_lens({.strength = {-0.2, 0.4}})},
        crop{"crop, resize", train::random_resized_crop(28, {.area = {0.6, 1}, .ratio = {0.8, 1.25}})},
        colors{"brightness", train::color_jitter({.brightness = {0.5, 1.5}, .contrast = {0.6, 1.4}})},
        together{"together", train::random_affine({.degrees = {-12, 12},
                                                   .right = {-2, 2},
                                                   .down = {-2, 2},
                                                   .scale = {0.9, 1.1},
                                                   .shear = {-10, 10}})};
    const Variant none{"none", {}}, mirrored{"flip", train::random_flip()};
    manual_seed(options.seed);
    const std::vector<Variant> variants{none,   mirrored, crop,    colors, translate,
                                        rotate, shear,    stretch, lens,   together};
    draw_digits(options, training, variants);
    draw_scenes(options);

    picture::Chart chart({.title = tr("Accuracy on images never seen"),
                          .x = {.label = tr("epoch")},
                          .y = {.label = tr("accuracy")}});
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
        chart.curve(tr(variant.name), accuracy);
        say("%s training accuracy %.4f, test accuracy %.4f\n", padded(tr(variant.name), 13).c_str(),
            history.last().train.accuracy, history.last().validation.accuracy);
    }
    chart.save(options.picture("l4_3_accuracy.svg"));
}

}  // namespace

int main(int argc, char** argv) {
    return run_lecture(
        argc, argv, "Data augmentation: a sheet of changed digits, accuracy with and without.", lecture,
        {.time = "a minute", .files = "l4_3_accuracy.svg, l4_3_colors.svg, l4_3_sheet.svg", .images = true});
}
