// The main job on the emulated device: the same training as on the CPU,
// and no wait for the device within a step.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>

#include "emulated_device.h"

namespace adjoint {
namespace {

// Losses of some steps of a network with all that a training step of MNIST has.
std::vector<double> train(Device device) {
    manual_seed(7);
    const nn::Sequential model(nn::Linear(12, 9), nn::BatchNorm1d(9), nn::ReLU(), nn::Dropout(0.3),
                               nn::Linear(9, 4));
    model.to(device);
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    const data::Dataset set{.inputs = (rand({40, 12}) * 255).to(u8).to(device),
                            .targets = randint(0, 4, {40}, {.dtype = u8}).to(device),
                            .scale = 1 / 255.0};
    data::Loader loader(set, {.batch_size = 10, .seed = 3});
    std::vector<Tensor> losses;
    const std::int64_t waits = cuda::sync_count();
    for (int epoch = 0; epoch < 3; ++epoch)
        for (const data::Batch& batch : loader) {
            optimizer.zero_grad();
            const Tensor loss = cross_entropy(model(batch.x), batch.y);
            loss.backward();
            optimizer.step();
            losses.push_back(loss.detach());
        }
    EXPECT_EQ(cuda::sync_count(), waits);
    return stack(losses).to_vector<double>();
}

TEST(EmulatedTraining, FollowsTheCpuWithoutWaiting) {
    const std::vector<double> expected = train(Device::cpu()), found = train(emulated_device());
    ASSERT_EQ(found.size(), 12u);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-4) << "step " << i;
    EXPECT_EQ(train(emulated_device()), found);
}

TEST(EmulatedTraining, ConvolutionsFollowTheCpu) {
    const auto losses = [](Device device) {
        manual_seed(8);
        const nn::Sequential model(nn::Conv2d(1, 3, 3), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                                   nn::Linear(27, 4));
        model.to(device);
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        const Tensor x = randn({5, 1, 8, 8}).to(device),
                     y = tensor({0, 1, 2, 3, 0}, {.dtype = i64}).to(device);
        std::vector<double> values;
        for (int i = 0; i < 5; ++i) {
            optimizer.zero_grad();
            const Tensor loss = cross_entropy(model(x), y);
            loss.backward();
            optimizer.step();
            values.push_back(loss.item());
        }
        return values;
    };
    const std::vector<double> expected = losses(Device::cpu()), found = losses(emulated_device());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-4) << "step " << i;
    EXPECT_LT(found.back(), found.front());
}

TEST(EmulatedTraining, AWrongLabelIsNamedAtTheNextWaitAndTheDeviceGoesOn) {
    const Device device = emulated_device();
    const Tensor logits = zeros({3, 4}, {.device = device});
    const Tensor loss = cross_entropy(logits, tensor({0, 9, 1}, {.dtype = i64}).to(device));
    try {
        loss.item();
        FAIL() << "label 9 of 4 classes was accepted";
    } catch (const IndexError& error) {
        EXPECT_EQ(std::string(error.what()), "cross_entropy: label 9 at index 1 is outside [0, 4)");
    }
    EXPECT_EQ(sum(logits + 1.0).item(), 12);
}

TEST(EmulatedTraining, AnErrorThatStaysIsNotHiddenByTheRestoreAfterIt) {
    const Device device = emulated_device();
    const data::Dataset set{.inputs = ones({40, 3}, {.device = device}),
                            .targets = ones({40, 2}, {.device = device})};
    const nn::Linear model(3, 2, {.device = device});
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    int steps = 0;
    const auto loss = [&](const Tensor& y, const Tensor& target) {
        if (++steps == 3) emulated_error() = "a fault of the device";  // the one that is recorded
        return sum(square(y - target));
    };
    std::string text;
    try {
        train::fit(model, loss, optimizer, set, {.epochs = 1, .batch_size = 8, .verbose = false});
    } catch (const CudaError& error) {
        text = error.what();
    }
    emulated_error().clear();
    EXPECT_EQ(text.find("sub: a fault of the device"), 0u) << text;
}

}  // namespace
}  // namespace adjoint
