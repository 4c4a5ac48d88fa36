// Augmentation on the emulated device: the pixels and targets of the CPU.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>

#include "emulated_device.h"

namespace adjoint {
namespace {

void expect_as_on_cpu(const train::Transform& transform) {
    manual_seed(4);
    // So many that some are changed in any case: six coins may all say not to flip.
    const Tensor images = rand({24, 3, 8, 8}), labels = randint(0, 4, {24}, {.dtype = i64});
    const auto changed = [&](Device device) {
        manual_seed(5);
        return transform({images.to(device), labels.to(device)});
    };
    const Device device = emulated_device();
    const data::Batch here = changed(Device::cpu()), there = changed(device);
    EXPECT_EQ(there.x.device(), device);
    EXPECT_TRUE(allclose(there.x.to(Device::cpu()), here.x, 1e-5, 1e-5));
    EXPECT_TRUE(allclose(there.y.to(Device::cpu()), here.y, 1e-6, 1e-6));
    EXPECT_FALSE(there.x.shape() == images.shape() && equal(there.x.to(Device::cpu()), images));
}

TEST(EmulatedAugmentation, GivesThePixelsOfTheCpu) {
    expect_as_on_cpu(train::random_flip());
    expect_as_on_cpu(train::random_crop(6, {.padding = 1}));
    expect_as_on_cpu(train::random_resized_crop(6));
    expect_as_on_cpu(train::random_affine({.degrees = {-20, 20}, .right = {-2, 2}, .shear = {-10, 10}}));
    expect_as_on_cpu(
        train::color_jitter({.brightness = {0.5, 1.5}, .contrast = {0.5, 1.5}, .saturation = {0, 2}}));
    expect_as_on_cpu(train::cutout(3));
    expect_as_on_cpu(train::mixup(4));
}

}  // namespace
}  // namespace adjoint
