// Transforms of batches against pixels worked out by hand; what they draw, repeats, and refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

using train::Transform;
using Pixels = std::vector<double>;

Tensor changed(const Transform& transform, const Tensor& x) { return transform({x, Tensor()}).x; }

// One image of one channel.
Tensor image(const Pixels& pixels, std::int64_t height, std::int64_t width) {
    return tensor(pixels, {1, 1, height, width}, {.dtype = f32});
}

void expect_pixels(const Tensor& x, const Pixels& wanted, double tolerance = 0) {
    const Pixels got = x.to_vector<double>();
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], tolerance) << "pixel " << i;
}

const Pixels nine{1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(Augment, FlipsExchangeSides) {
    const Tensor x = image({1, 2, 3, 4, 5, 6}, 2, 3);
    expect_pixels(changed(train::random_flip({.horizontal = 1}), x), {3, 2, 1, 6, 5, 4});
    expect_pixels(changed(train::random_flip({.horizontal = 0, .vertical = 1}), x), {4, 5, 6, 1, 2, 3});
    expect_pixels(changed(train::random_flip({.horizontal = 1, .vertical = 1}), x), {6, 5, 4, 3, 2, 1});
    expect_pixels(changed(train::random_flip({.horizontal = 0}), x), {1, 2, 3, 4, 5, 6});
}

TEST(Augment, SamplesFlipOnTheirOwn) {
    manual_seed(1);
    const Tensor x = expand(image({0, 1}, 1, 2), {1000, 1, 1, 2}).contiguous();
    const double share = mean(select(changed(train::random_flip(), x), 3, 0)).item();
    EXPECT_GT(share, 0.44);
    EXPECT_LT(share, 0.56);
}

TEST(Augment, AffineMapsByHand) {
    const auto affine = [](const train::AffineOptions& options, const Pixels& wanted) {
        expect_pixels(changed(train::random_affine(options), image(nine, 3, 3)), wanted, 2e-5);
    };
    affine({}, nine);
    affine({.right = {1, 1}}, {0, 1, 2, 0, 4, 5, 0, 7, 8});
    affine({.down = {-1, -1}, .fill = -7}, {4, 5, 6, 7, 8, 9, -7, -7, -7});
    affine({.degrees = {90, 90}}, {3, 6, 9, 2, 5, 8, 1, 4, 7});
    affine({.degrees = {180, 180}}, {9, 8, 7, 6, 5, 4, 3, 2, 1});
    // Rows above the centre move left, those below move right.
    affine({.shear = {45, 45}}, {2, 3, 0, 4, 5, 6, 0, 7, 8});
    affine({.scale = {3, 3}},
           {3 + 2.0 / 3, 4, 4 + 1.0 / 3, 4 + 2.0 / 3, 5, 5 + 1.0 / 3, 5 + 2.0 / 3, 6, 6 + 1.0 / 3});
    // Three times as wide as before, at a third of the height.
    affine({.scale = {std::sqrt(3), std::sqrt(3)}, .stretch = {3, 3}},
           {1 + 2.0 / 3, 2, 2 + 1.0 / 3, 4 + 2.0 / 3, 5, 5 + 1.0 / 3, 7 + 2.0 / 3, 8, 8 + 1.0 / 3});
    // Rotation first, then translation.
    affine({.degrees = {90, 90}, .right = {1, 1}}, {0, 3, 6, 0, 2, 5, 0, 1, 4});
}

TEST(Augment, AffineKnowsWidthFromHeight) {
    const Tensor x = image({1, 2, 3, 4, 5, 6, 7, 8}, 2, 4);
    expect_pixels(changed(train::random_affine({.right = {1, 1}}), x), {0, 1, 2, 3, 0, 5, 6, 7}, 2e-5);
    expect_pixels(changed(train::random_affine({.down = {1, 1}}), x), {0, 0, 0, 0, 1, 2, 3, 4}, 2e-5);
    // A quarter turn keeps pixels square: the middle square turns, its surroundings come from outside.
    expect_pixels(changed(train::random_affine({.degrees = {90, 90}}), x), {0, 3, 7, 0, 0, 2, 6, 0}, 2e-5);
}

TEST(Augment, CropsAreWindowsOfThePaddedImage) {
    manual_seed(2);
    expect_pixels(changed(train::random_crop(3), image(nine, 3, 3)), nine);
    const Tensor x = expand(image(nine, 3, 3), {200, 1, 3, 3}).contiguous();
    const Tensor cropped = changed(train::random_crop({2, 3}, {.padding = {1, 0}, .fill = -1}), x);
    ASSERT_EQ(cropped.shape(), (Shape{200, 1, 2, 3}));
    std::map<Pixels, int> seen;
    for (std::int64_t i = 0; i < 200; ++i) ++seen[select(cropped, 0, i).contiguous().to_vector<double>()];
    const std::vector<Pixels> windows{
        {-1, -1, -1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}, {4, 5, 6, 7, 8, 9}, {7, 8, 9, -1, -1, -1}};
    ASSERT_EQ(seen.size(), windows.size());
    for (const Pixels& window : windows) EXPECT_GT(seen[window], 25);
    EXPECT_THROW(changed(train::random_crop(4), image(nine, 3, 3)), ShapeError);
}

TEST(Augment, CropsTakeEveryChannelAtTheSamePlace) {
    manual_seed(3);
    const Tensor plane = reshape(arange(0, 36), {1, 1, 6, 6}), x = cat({plane, plane + 100}, 1);
    const Tensor cropped = changed(train::random_crop(3), repeat(x, {20, 1, 1, 1}));
    EXPECT_TRUE(equal(cropped(all, 0) + 100, cropped(all, 1)));
    // Two of them may be cut at the same of 16 places, all twenty are not.
    EXPECT_FALSE(equal(cropped, expand(cropped(slice(0, 1)), cropped.shape())));
}

TEST(Augment, ResizedCropsStayInsideAndKeepRamps) {
    manual_seed(4);
    expect_pixels(
        changed(train::random_resized_crop(3, {.area = {1, 1}, .ratio = {1, 1}}), image(nine, 3, 3)), nine,
        2e-5);
    // On a ramp the mean of a window is the value at its centre, and its steps are the window's width.
    const Tensor ramp = expand(reshape(arange(0, 32), {1, 1, 1, 32}), {50, 1, 32, 32}).contiguous();
    const Tensor y = changed(train::random_resized_crop({4, 8}, {.area = {0.1, 0.3}}), ramp);
    ASSERT_EQ(y.shape(), (Shape{50, 1, 4, 8}));
    EXPECT_GE(amin(y(all, all, all, slice(1, 7))).item(), 0);
    EXPECT_LE(amax(y).item(), 31.001);
    for (std::int64_t i = 0; i < 50; ++i) {
        const double step = y(i, 0, 0, 4).item() - y(i, 0, 0, 3).item();
        EXPECT_GE(step, 32 * std::sqrt(0.1 * 0.75) / 8 - 1e-3);
        EXPECT_LE(step, 32 * std::sqrt(0.3 * 4 / 3) / 8 + 1e-3);
    }
}

TEST(Augment, JitterFollowsItsFormulas) {
    const auto once = [](double factor) { return train::Interval{factor, factor}; };
    const Tensor x = image({0, 2, 4, 6}, 2, 2);  // mean 3
    expect_pixels(changed(train::color_jitter({.brightness = once(1.5)}), x), {0, 3, 6, 9}, 1e-6);
    expect_pixels(changed(train::color_jitter({.contrast = once(0.5)}), x), {1.5, 2.5, 3.5, 4.5}, 1e-6);
    expect_pixels(changed(train::color_jitter({.contrast = once(0)}), x), {3, 3, 3, 3}, 1e-6);
    const Tensor red = tensor(Pixels{1, 0, 0}, {1, 3, 1, 1}, {.dtype = f32});
    expect_pixels(changed(train::color_jitter({.saturation = once(0)}), red), {0.299, 0.299, 0.299}, 1e-6);
    expect_pixels(changed(train::color_jitter({.saturation = once(2)}), red), {1.701, -0.299, -0.299}, 1e-6);
    manual_seed(5);
    const Tensor many = changed(train::color_jitter({.brightness = {0.5, 1.5}}), ones({400, 1, 1, 1}));
    EXPECT_NEAR(amin(many).item(), 0.5, 0.05);
    EXPECT_NEAR(amax(many).item(), 1.5, 0.05);
}

TEST(Augment, HueTurnsColours) {
    const auto turned = [](double turns, const Pixels& color) {
        return changed(train::color_jitter({.hue = {turns, turns}}), tensor(color, {1, 3, 1, 1}));
    };
    expect_pixels(turned(1.0 / 3, {1, 0, 0}), {0, 1, 0}, 1e-6);
    expect_pixels(turned(2.0 / 3, {1, 0, 0}), {0, 0, 1}, 1e-6);
    expect_pixels(turned(-1.0 / 3, {1, 0, 0}), {0, 0, 1}, 1e-6);
    expect_pixels(turned(1.0 / 6, {1, 0, 0}), {1, 1, 0}, 1e-6);
    expect_pixels(turned(0.5, {0.9, 0.3, 0.6}), {0.3, 0.9, 0.6}, 1e-6);
    expect_pixels(turned(0.25, {0.5, 0.5, 0.5}), {0.5, 0.5, 0.5});
    expect_pixels(turned(1, {0.2, 0.7, 0.4}), {0.2, 0.7, 0.4}, 1e-6);
    manual_seed(8);
    const Tensor red = expand(tensor(Pixels{1, 0, 0}, {1, 3, 1, 1}), {200, 3, 1, 1}).contiguous();
    const Tensor green = select(changed(train::color_jitter({.hue = {0, 1.0 / 3}}), red), 1, 1);
    EXPECT_LT(amin(green).item(), 0.1);
    EXPECT_EQ(amax(green).item(), 1);
}

TEST(Augment, LensesBendWhatIsFarFromTheCentre) {
    const auto lens = [](double k, const Tensor& x) {
        return changed(train::random_lens({.strength = {k, k}, .fill = -1}), x);
    };
    expect_pixels(lens(0, image(nine, 3, 3)), nine, 2e-5);
    // Along a ramp the middle row of 1 x 5 pixels shows where each came from: p (1 + k r^2), p = -2 .. 2
    // pixels and the corners at (2.5, 0.5) from the centre.
    const Tensor ramp = image({1, 2, 3, 4, 5}, 1, 5);
    const auto from = [](double p, double k) { return 3 + p * (1 + k * p * p / 6.5); };
    const double k = -0.3;
    expect_pixels(lens(k, ramp), {from(-2, k), from(-1, k), 3, from(1, k), from(2, k)}, 2e-5);
    // A barrel shows at the corners what lies outside.
    const Tensor y = lens(1, ones({1, 1, 9, 9}));
    EXPECT_EQ(y(0, 0, 0, 0).item(), -1);
    EXPECT_EQ(y(0, 0, 4, 4).item(), 1);
    EXPECT_THROW(train::random_lens({.strength = {-0.34, 0}}), ValueError);
}

TEST(Augment, CutoutRemovesOneSquare) {
    manual_seed(6);
    const Tensor y = changed(train::cutout(3, -1), ones({300, 2, 7, 6}));
    EXPECT_TRUE(equal(y(all, 0), y(all, 1))) << "the same square in every channel";
    const Tensor gone = lt(y(all, 0), 0.0).to(i64);
    const Tensor rows = sum(amax(gone, 2), 1), columns = sum(amax(gone, 1), 1);
    EXPECT_TRUE(equal(sum(gone, {1, 2}), rows * columns)) << "what is gone is a rectangle";
    EXPECT_EQ(amax(rows).item<int>(), 3);
    EXPECT_EQ(amin(rows).item<int>(), 2) << "at the edge a part lies outside";
    const Tensor often = sum(gone, 0);
    EXPECT_GT(amin(often).item<int>(), 10) << "every pixel can go";
}

TEST(Augment, MixupMixesInputsAndTargetsAlike) {
    manual_seed(7);
    const Tensor labels = tensor({0, 1, 2, 0, 1}, {.dtype = i64});
    // Inputs that are their own targets: so they must stay after mixing.
    const data::Batch batch{one_hot(labels, 3).to(f32), labels};
    double least = 1, greatest = 0;
    for (int i = 0; i < 50; ++i) {
        const data::Batch mixed = train::mixup(3, 1.0)(batch);
        EXPECT_TRUE(allclose(mixed.x, mixed.y));
        EXPECT_TRUE(allclose(sum(mixed.y, 1), ones({5})));
        least = std::min(least, mixed.y(0, 0).item());
        greatest = std::max(greatest, amax(mixed.y).item());
    }
    EXPECT_LT(least, 0.2);
    EXPECT_GT(greatest, 0.9);
    const data::Batch numbers = train::mixup(1)({ones({4, 2}), full({4}, 3)});
    EXPECT_TRUE(allclose(numbers.y, full({4}, 3)));
}

TEST(Augment, MixupDrawsFromBeta) {
    // One sample of class 1 among zeros: its own share of itself is 1 or l; take the inputs 0 and 1.
    for (const double alpha : {0.3, 2.0}) {
        manual_seed(8);
        double sum_of = 0, squares = 0;
        int n = 0;
        while (n < 1500) {
            const data::Batch mixed =
                train::mixup(1, alpha)({tensor(Pixels{0, 1}, {2, 1}, {.dtype = f32}), zeros({2, 1})});
            const double share = mixed.x(1, 0).item();
            if (share == 1.0 && mixed.x(0, 0).item() == 0.0) continue;  // mixed with itself
            sum_of += share;
            squares += share * share;
            ++n;
        }
        const double mean_of = sum_of / n, variance = squares / n - mean_of * mean_of;
        EXPECT_NEAR(mean_of, 0.5, 0.04) << alpha;
        EXPECT_NEAR(variance, 1 / (4 * (2 * alpha + 1)), 0.015) << alpha;
    }
}

TEST(Augment, TheSeedRepeatsEverything) {
    const Transform all_of_them =
        train::compose({train::random_flip(), train::random_crop(8, {.padding = 2}),
                        train::random_affine({.degrees = {-20, 20}, .scale = {0.8, 1.2}, .shear = {-10, 10}}),
                        train::color_jitter({.brightness = {0.5, 1.5}, .contrast = {0.5, 1.5}}),
                        train::cutout(3), train::random_resized_crop(6), train::mixup(10)});
    manual_seed(9);
    const data::Batch batch{randn({16, 3, 8, 8}), randint(0, 10, {16})};
    manual_seed(10);
    const data::Batch first = all_of_them(batch), second = all_of_them(batch);
    manual_seed(10);
    const data::Batch again = all_of_them(batch);
    EXPECT_EQ(first.x.shape(), (Shape{16, 3, 6, 6}));
    EXPECT_TRUE(equal(first.x, again.x) && equal(first.y, again.y));
    EXPECT_FALSE(equal(first.x, second.x)) << "each call draws anew";
    EXPECT_FALSE(first.x.requires_grad());
}

TEST(Augment, FitChangesTrainingBatchesOnly) {
    manual_seed(11);
    const data::Dataset set{.inputs = randn({30, 1, 2, 2}), .targets = randint(0, 2, {30})};
    const nn::Sequential model(nn::Flatten(), nn::Linear(4, 2));
    optim::SGD optimizer(model.parameters(), {.lr = 0.0});
    std::int64_t seen = 0;
    const Transform to_zero = [&](const data::Batch& batch) {
        seen += batch.x.shape()[0];
        return data::Batch{zeros_like(batch.x), batch.y};
    };
    const auto losses = [&](const Transform& transform) {
        return train::fit(model, nn::CrossEntropyLoss(), optimizer, set,
                          {.batch_size = 8, .validation = set, .verbose = false, .transform = transform})
            .last();
    };
    const train::EpochRecord plain = losses({}), changed_ones = losses(to_zero);
    EXPECT_EQ(seen, 30);
    EXPECT_EQ(changed_ones.validation.loss, plain.validation.loss);
    EXPECT_NE(changed_ones.train.loss, plain.train.loss);
    // Mixed targets train as well; there is no accuracy to tell of them.
    const train::EpochRecord mixed = losses(train::mixup(2));
    EXPECT_TRUE(std::isfinite(mixed.train.loss) && std::isnan(mixed.train.accuracy));
    EXPECT_FALSE(std::isnan(mixed.validation.accuracy));
}

TEST(Augment, RefusesWhatMakesNoSense) {
    EXPECT_THROW(train::random_flip({.horizontal = 1.5}), ValueError);
    EXPECT_THROW(train::random_crop(0), ValueError);
    EXPECT_THROW(train::random_crop(2, {.padding = -1}), ValueError);
    EXPECT_THROW(train::random_affine({.degrees = {3, 1}}), ValueError);
    EXPECT_THROW(train::random_affine({.scale = {0, 1}}), ValueError);
    EXPECT_THROW(train::random_affine({.shear = {0, 90}}), ValueError);
    EXPECT_THROW(train::random_resized_crop(4, {.area = {0, 1}}), ValueError);
    EXPECT_THROW(train::random_resized_crop(4, {.area = {0.5, 1.1}}), ValueError);
    EXPECT_THROW(train::color_jitter({.contrast = {-1, 1}}), ValueError);
    EXPECT_THROW(train::cutout(0), ValueError);
    EXPECT_THROW(train::mixup(0), ValueError);
    EXPECT_THROW(train::mixup(3, 0), ValueError);
    EXPECT_THROW(train::compose({Transform()}), ValueError);
    EXPECT_THROW(changed(train::random_flip(), zeros({3, 4, 4})), ShapeError);
    EXPECT_THROW(changed(train::cutout(2), zeros({1, 1, 4, 4}, {.dtype = u8})), DTypeError);
}

}  // namespace
}  // namespace adjoint
