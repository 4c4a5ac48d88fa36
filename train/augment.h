// Batches of images made different each time they are seen: flips, crops, affine maps, lenses,
// colours, cutout, mixup.
//
//     train::fit(model, loss, optimizer, set, {.transform = train::compose({
//         train::random_affine({.degrees = {-10, 10}, .right = {-2, 2}, .down = {-2, 2}}),
//         train::cutout(8)})});
//
// A transform takes floating images (N, C, H, W) on any device as the first input; further ones, and targets
// except in mixup, pass as they are.
// Each sample draws its own numbers, all of them from one stream of the generator for each call, so that
// manual_seed repeats them on every device. They are drawn on the host:
// a transform stands outside of capture.
// errors: ShapeError for other shapes, DTypeError unless floating; settings that make no sense are
// ValueErrors when the transform is made.
#pragma once

#include <functional>
#include <vector>

#include <adjoint/autograd/ops/height_width.h>
#include <adjoint/data/loader.h>

namespace adjoint::train {

/// What becomes of a training batch before the model sees it.
using Transform = std::function<data::Batch(const data::Batch& batch)>;

/// One after the other.
ADJOINT_API Transform compose(std::vector<Transform> transforms);

/// A number that each sample draws, uniform between the two.
struct Interval {
    double low = 0, high = 0;
};

struct FlipOptions {
    double horizontal = 0.5;  ///< probability of left and right exchanged
    double vertical = 0;
};
/// Mirrors each image with a probability.
ADJOINT_API Transform random_flip(const FlipOptions& options = {});

struct CropOptions {
    HeightWidth padding = 0;  ///< pixels added on each side before
    double fill = 0;          ///< their value
};
/// A window of `size` at a random place.
/// errors: ShapeError if the padded image is smaller.
ADJOINT_API Transform random_crop(HeightWidth size, const CropOptions& options = {});

struct ResizedCropOptions {
    Interval area = {0.08, 1};         ///< share of the image's pixels
    Interval ratio = {0.75, 4.0 / 3};  ///< width by height; cut where the window would not fit
};
/// A window of random size and place, scaled to `size` (bilinear).
/// source: Szegedy et al., Going deeper with convolutions, CVPR 2015.
ADJOINT_API Transform random_resized_crop(HeightWidth size, const ResizedCropOptions& options = {});

struct AffineOptions {
    Interval degrees = {0, 0};               ///< rotation about the centre, counter-clockwise
    Interval right = {0, 0}, down = {0, 0};  ///< translation in pixels
    Interval scale = {1, 1};
    Interval stretch = {1, 1};  ///< width by height at the same area: 2 is twice as wide as high
    Interval shear = {0, 0};    ///< degrees: what lies below the centre moves right
    double fill = 0;            ///< what comes in from outside
};
/// Shear, stretch and scale, rotation, then translation, in one bilinear sampling.
ADJOINT_API Transform random_affine(const AffineOptions& options);

struct LensOptions {
    Interval strength = {-0.2, 0.2};  ///< k below, above -1/3: a barrel above 0, a pincushion below
    double fill = 0;                  ///< what comes in from outside
};
/// What a lens does to straight lines: the pixel at p shows what was at p (1 + k r^2), where r is the
/// distance of p from the centre by that of the corners; bilinear.
/// source: Brown, Decentering distortion of lenses, Photogrammetric Engineering 32, 1966 (its first term).
ADJOINT_API Transform random_lens(const LensOptions& options = {});

struct JitterOptions {
    Interval brightness = {1, 1};  ///< factor of all values
    Interval contrast = {1, 1};    ///< factor of the distance from the sample's mean grey
    Interval saturation = {1, 1};  ///< factor of the distance from each pixel's grey; images of 3 channels
    Interval hue = {0, 0};  ///< turns added to each pixel's hue, 1/3 makes red green; images of 3 channels
};
/// Grey is 0.299 R + 0.587 G + 0.114 B, or the value itself unless there are 3 channels; hue is that of HSV.
/// In this order, one on what the other gives; values are not cut.
ADJOINT_API Transform color_jitter(const JitterOptions& options);

/// A square of `size` x `size` pixels around a random pixel becomes `fill`; parts of it may lie outside.
/// source: DeVries and Taylor, Improved regularization of convolutional neural networks with cutout, 2017.
ADJOINT_API Transform cutout(std::int64_t size, double fill = 0);

/// Each sample is mixed with another of the batch, l x_i + (1 - l) x_j, and so are the targets; one
/// l ~ Beta(alpha, alpha) for the batch. Class numbers (N) become probabilities (N, classes), which
/// cross_entropy takes; floating targets are mixed as they are.
/// source: Zhang et al., mixup: Beyond empirical risk minimization, ICLR 2018.
ADJOINT_API Transform mixup(std::int64_t classes, double alpha = 0.2);

}  // namespace adjoint::train
