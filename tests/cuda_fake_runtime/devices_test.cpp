// Two devices in one process, and threads on them.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint {
namespace {

const Device first = Device::cuda(0), second = Device::cuda(1);

void train_with_captures(Device device) {
    const nn::Sequential model(nn::Linear(20, 30), nn::Dropout(0.5), nn::ReLU(), nn::Linear(30, 2));
    model.to(device);
    optim::Adam optimizer(model.parameters());
    const Tensor x = ones({8, 20}, {.device = device});
    for (int i = 0; i < 10; ++i) {
        const Captured step = capture(
            [&] {
                optimizer.zero_grad();
                sum(square(model(x))).backward();
                optimizer.step();
            },
            {.device = device});
        step.replay(10);
        sum(x).item();
    }
}

void convolve(Device device) {
    const Tensor x = ones({5, 2, 9, 9}, {.device = device}), w = ones({4, 2, 3, 3}, {.device = device});
    for (int i = 0; i < 50; ++i) conv2d(x, w);
    matmul(ones({512, 512}, {.device = device}), ones({512, 512}, {.device = device})).to_vector<float>();
}

TEST(TwoDevices, TensorsAndGradientsGoFromOneToTheOther) {
    const Tensor x = rand({1000, 1000});
    EXPECT_EQ(x.to(first).to(second).to(first).to(Device::cpu()).to_vector<float>(), x.to_vector<float>());
    const Tensor leaf = ones({3}, {.device = first, .requires_grad = true});
    sum(leaf.to(second)).backward();
    EXPECT_EQ(leaf.grad().device(), first);
    EXPECT_EQ(cuda::device_count(), 2);
    EXPECT_THROW(zeros({1}, {.device = Device::cuda(2)}), DeviceError);
}

TEST(TwoDevices, ThreadsUseThemSideBySide) {
    std::vector<std::thread> threads;
    for (const Device device : {first, second, first}) {
        threads.emplace_back([device] { train_with_captures(device); });
        threads.emplace_back([device] { convolve(device); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Device device : {first, second}) {
        cuda::synchronize(device);
        EXPECT_EQ(cuda::memory_stats(device).in_use, 0);
        EXPECT_EQ(cuda::memory_stats(device).workspace, 0);
    }
}

}  // namespace
}  // namespace adjoint
