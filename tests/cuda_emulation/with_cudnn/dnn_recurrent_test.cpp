// cuda/libraries/dnn_recurrent.cpp on a cuDNN that is faked: descriptors, sizes, places of weights, what is
// copied and when, and all of it in captured steps.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/cuda/libraries/dnn_recurrent.h>

#include "../emulated_device.h"
#include "../emulated_recurrence.h"
#include "device/cases.h"
#include "fake_cudnn.h"

namespace adjoint {
namespace {

// cuDNN's layers in the place of the emulated device's own.
class LayersOfCudnn final : public emulated::RecurrentCalls {
  public:
    std::optional<std::size_t> reserve(cuda_backend::DeviceState& device, const Recurrence& r) override {
        return layers_.reserve(device, r);
    }
    void forward(cuda_backend::DeviceState& device, const Recurrence& r, const RecurrentPass& pass) override {
        layers_.forward(device, r, pass);
    }
    void backward(cuda_backend::DeviceState& device, const Recurrence& r, const RecurrentPass& pass,
                  const RecurrentGradients& gradients) override {
        layers_.backward(device, r, pass, gradients);
    }

  private:
    cuda_backend::Recurrences layers_;
};

class DnnRecurrent : public testing::Test {
  protected:
    void SetUp() override {
        emulated_recurrence() = {};
        emulated::fake_cudnn() = {};
        emulated_recurrence().instead = &by_cudnn_;
    }
    void TearDown() override { emulated_recurrence() = {}; }

    static void run_cases() {
        int found = 0;
        for (const DeviceCase& one : device_cases())
            if (one.name.find("Recurrent") == 0) {
                SCOPED_TRACE(one.name);
                one.check(emulated_device());
                ++found;
            }
        EXPECT_GE(found, 3);
        EXPECT_GT(emulated_recurrence().backward, 0);
    }
    std::optional<std::size_t> reserve(const Recurrence& r) {
        return backend(emulated_device()).recurrence_reserve(r);
    }

  private:
    LayersOfCudnn by_cudnn_;
};

TEST_F(DnnRecurrent, WeightsThatAreNeighbours) { run_cases(); }

TEST_F(DnnRecurrent, WeightsWithGaps) {
    emulated::fake_cudnn().gap = 40;
    run_cases();
}

// The fake, as cuDNN, writes the gradient of the input wherever it is told to.
TEST_F(DnnRecurrent, TheGradientOfAnInputThatNobodyWantsHasAPlaceToGo) {
    const nn::LSTM layer(3, 4, {.device = emulated_device()});
    const Tensor x = randn({5, 2, 3}).to(emulated_device());
    const auto gradients = [&] {
        layer.zero_grad();
        sum(layer(x).output).backward();
        std::vector<std::vector<float>> all;
        for (const Tensor& parameter : layer.parameters()) all.push_back(parameter.grad().to_vector<float>());
        return all;
    };
    const auto without = gradients();
    x.set_requires_grad();
    EXPECT_EQ(gradients(), without);
    EXPECT_TRUE(x.grad().defined());
    EXPECT_EQ(emulated_recurrence().backward, 2);
}

TEST_F(DnnRecurrent, PlansAreKept) {
    const nn::LSTM layer(3, 4, {.num_layers = 2, .device = emulated_device()});
    const Tensor x = randn({5, 2, 3}).to(emulated_device());
    for (int i = 0; i < 3; ++i) sum(layer(x).output).backward();
    EXPECT_EQ(emulated::fake_cudnn().plans, 2) << "one for each width of the input";
    set_matmul_precision(MatmulPrecision::high);
    const Recurrence other{.kind = RecurrentKind::lstm,
                           .steps = 5,
                           .batch = 2,
                           .inputs = 3,
                           .hidden = 4,
                           .precision = matmul_precision()};
    set_matmul_precision(MatmulPrecision::highest);
    EXPECT_FALSE(reserve(other)) << "the fake takes exact sums alone";
    EXPECT_EQ(emulated::fake_cudnn().plans, 3);
}

TEST_F(DnnRecurrent, WhatItDoesNotTakeGoesStepByStep) {
    const Recurrence r{.kind = RecurrentKind::gru, .steps = 5, .batch = 2, .inputs = 3, .hidden = 4};
    Recurrence huge = r;
    huge.batch = std::int64_t{1} << 31;
    EXPECT_FALSE(reserve(huge));
    for (const auto size :
         {&Recurrence::steps, &Recurrence::batch, &Recurrence::inputs, &Recurrence::hidden}) {
        Recurrence empty = r;
        empty.*size = 0;
        EXPECT_FALSE(reserve(empty));
    }
    emulated::fake_cudnn().version = 8900;
    EXPECT_FALSE(reserve(r));
    emulated::fake_cudnn() = {};
    emulated::fake_cudnn().takes_gru = false;
    EXPECT_FALSE(reserve(r));
    const nn::GRU layer(3, 4, {.device = emulated_device()});
    EXPECT_EQ(layer(ones({5, 2, 3}, {.device = emulated_device()})).output.shape(), (Shape{5, 2, 4}));
    EXPECT_EQ(emulated_recurrence().forward, 0);
}

TEST_F(DnnRecurrent, WhatItRefusesAtTheRunGoesStepByStepAndThatIsSaidOnce) {
    std::vector<std::string> said;
    set_warning_handler([&](const std::string& text) { said.push_back(text); });
    const nn::LSTM layer(3, 4, {.device = emulated_device()});
    const Tensor x = ones({5, 2, 3}, {.device = emulated_device()});
    const auto pass = [&] { sum(layer(x).output).backward(); };
    emulated::FakeCudnn& fake = emulated::fake_cudnn();
    fake.layer = CUDNN_STATUS_NOT_SUPPORTED;
    pass();
    fake.layer = CUDNN_STATUS_SUCCESS;
    pass();
    EXPECT_EQ(emulated_recurrence().forward, 0) << "the answer was final";
    EXPECT_EQ(said.size(), 1u);

    LayersOfCudnn anew;
    emulated_recurrence().instead = &anew;
    fake.create = CUDNN_STATUS_ALLOC_FAILED;
    pass();
    fake.create = CUDNN_STATUS_SUCCESS;
    fake.layer = CUDNN_STATUS_INTERNAL_ERROR;
    pass();
    EXPECT_EQ(emulated_recurrence().forward, 0);
    fake.layer = CUDNN_STATUS_SUCCESS;
    pass();
    EXPECT_EQ(emulated_recurrence().forward, 1) << "these were not";
    set_warning_handler({});
}

TEST_F(DnnRecurrent, CublasIsToldToRepeatItsBits) {
    reserve({.steps = 5, .batch = 2, .inputs = 3, .hidden = 4});
    EXPECT_FALSE(emulated::fake_cudnn().cublas_workspace.empty());
}

}  // namespace
}  // namespace adjoint
