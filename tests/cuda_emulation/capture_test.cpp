// Captures on the emulated device: the memory that they hold, and two threads at once.
#include <gtest/gtest.h>

#include <thread>

#include <adjoint/adjoint.h>

#include "emulated_device.h"

namespace adjoint {
namespace {

// A step whose results are the weights.
struct Learner {
    nn::Sequential model{nn::Linear(4, 8), nn::Dropout(0.5), nn::Tanh(), nn::Linear(8, 2)};
    std::unique_ptr<optim::Adam> optimizer;
    Tensor x;

    explicit Learner(std::uint64_t seed) {
        manual_seed(seed);
        for (const Tensor& parameter : model.parameters()) {
            const NoGrad guard;
            parameter.copy_(randn(parameter.shape()));
        }
        model.to(emulated_device());
        optimizer = std::make_unique<optim::Adam>(model.parameters());
        x = ones({3, 4}, {.device = emulated_device()});
    }
    void step() {
        optimizer->zero_grad();
        sum(square(model(x))).backward();
        optimizer->step();
    }
    Captured captured() {
        return capture([this] { step(); }, {.device = emulated_device(), .warmup = 0});
    }
    std::vector<double> weights() const {
        std::vector<double> all;
        for (const Tensor& parameter : model.parameters())
            for (const double value : parameter.detach().to_vector<double>()) all.push_back(value);
        return all;
    }
};

TEST(EmulatedCapture, ReplaysTakeNoMemoryAndARecordingGivesItsBack) {
    Learner learner(1);
    learner.step();
    learner.optimizer->zero_grad();
    const std::int64_t before = emulated_memory();
    {
        const Captured step = learner.captured();
        const std::int64_t held = emulated_memory();
        EXPECT_GT(held, before);
        for (int i = 0; i < 200; ++i) step.replay();
        EXPECT_EQ(emulated_memory(), held);
        learner.step();  // eager steps beside it leave nothing either
        step.replay();
        learner.optimizer->zero_grad();
        EXPECT_EQ(emulated_memory(), held);
    }
    EXPECT_EQ(emulated_memory(), before);
    EXPECT_THROW(capture(
                     [&] {
                         learner.step();
                         throw 1;
                     },
                     {.device = emulated_device()}),
                 int);
    learner.optimizer->zero_grad();
    EXPECT_EQ(emulated_memory(), before);
}

TEST(EmulatedCapture, ThreadsCaptureSideBySide) {
    const auto train = [](std::uint64_t seed) {
        Learner learner(seed);
        for (int i = 0; i < 5; ++i) learner.captured().replay(3);
        return learner.weights();
    };
    const std::vector<double> first = train(1), second = train(2);
    std::vector<double> beside_first, beside_second;
    std::thread other([&] { beside_first = train(1); });
    beside_second = train(2);
    other.join();
    EXPECT_EQ(beside_first, first);
    EXPECT_EQ(beside_second, second);
}

}  // namespace
}  // namespace adjoint
