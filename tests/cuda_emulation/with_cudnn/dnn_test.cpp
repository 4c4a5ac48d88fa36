// cuda/libraries/dnn.cpp on a cuDNN that is faked: its convolutions, and what becomes of refused ones.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/cuda/libraries/dnn.h>

#include "../emulated_device.h"
#include "../emulated_libraries.h"
#include "device/cases.h"
#include "device/compare.h"
#include "fake_cudnn.h"

namespace adjoint {
namespace {

using device::numbers;
using emulated::fake_cudnn;

class ByCudnn : public testing::Test {
  protected:
    using Cuda = cuda_backend::CudaBackend;

    void SetUp() override {
        start_anew();
        EmulatedLibraries& by = emulated_libraries();
        by.convolve = [this](Cuda& cuda, const call::Convolve& c) {
            return convolutions_->forward(cuda.device, c.shape, c.epilogue.sums_or(c.y), c.x, c.w);
        };
        by.convolve_input = [this](Cuda& cuda, const call::ConvolveInput& c) {
            return convolutions_->backward_data(cuda.device, c.shape, c.dx, c.g, c.w);
        };
        by.convolve_weight = [this](Cuda& cuda, const call::ConvolveWeight& c) {
            return convolutions_->backward_filter(cuda.device, c.shape, c.dw, c.x, c.g);
        };
    }
    void TearDown() override {
        emulated_libraries() = {};
        set_warning_handler({});
    }
    // A program that has convolved nothing yet.
    void start_anew() {
        convolutions_ = std::make_unique<cuda_backend::Convolutions>();
        fake_cudnn() = {};
        said_.clear();
        set_warning_handler([this](const std::string& text) { said_.push_back(text); });
    }
    static Tensor result(const device::Tensors& in) {
        return conv2d(in[0], in[1], in[2], {.padding = 1, .groups = 2, .then = Activation::gelu});
    }
    static device::Tensors operands(DType type) {
        return {numbers({3, 4, 9, 8}, type), numbers({6, 2, 3, 3}, type), numbers({6}, type)};
    }
    static void expect_right(const std::string& what) {
        device::expect_near_with_gradients(emulated_device(), operands(DType::f32), 3e-5, what, result);
    }

    std::unique_ptr<cuda_backend::Convolutions> convolutions_;
    std::vector<std::string> said_;
};

TEST_F(ByCudnn, DoesTheConvolutions) {
    const auto& all = device_cases();
    const auto one = std::ranges::find(all, "Convolutions", &DeviceCase::name);
    ASSERT_NE(one, all.end());
    one->check(emulated_device());
    EXPECT_GE(fake_cudnn().convolutions, 9);
    EXPECT_EQ(fake_cudnn().handles, 1);
    EXPECT_TRUE(said_.empty()) << said_[0];
}

TEST_F(ByCudnn, ARefusedAlgorithmIsLeftForTheNext) {
    const device::Tensors in = device::moved(operands(DType::f32), emulated_device());
    fake_cudnn().algorithms[0] = CUDNN_STATUS_NOT_SUPPORTED;
    result(in);
    result(in);
    EXPECT_EQ(fake_cudnn().tried, (std::vector<int>{0, 1, 1}));
    EXPECT_TRUE(said_.empty());
    // What may pass is not remembered.
    fake_cudnn().algorithms[1] = CUDNN_STATUS_EXECUTION_FAILED;
    result(in);
    fake_cudnn().algorithms[1] = CUDNN_STATUS_SUCCESS;
    result(in);
    EXPECT_EQ(fake_cudnn().tried, (std::vector<int>{0, 1, 1, 1, 1}));
    EXPECT_EQ(said_.size(), 1u);
}

TEST_F(ByCudnn, WhatItRefusesIsMadeOfProductsAndThatIsSaidOnce) {
    const std::function<void()> ways[] = {
        [] { fake_cudnn().algorithms[0] = fake_cudnn().algorithms[1] = CUDNN_STATUS_NOT_SUPPORTED; },
        [] { fake_cudnn().algorithms[0] = fake_cudnn().algorithms[1] = CUDNN_STATUS_EXECUTION_FAILED; },
        [] { fake_cudnn().workspace = CUDNN_STATUS_NOT_SUPPORTED; },
        [] { fake_cudnn().workspace = CUDNN_STATUS_INTERNAL_ERROR; },
        [] { fake_cudnn().describe = CUDNN_STATUS_ALLOC_FAILED; },
        [] { fake_cudnn().create = CUDNN_STATUS_NOT_INITIALIZED; },
        [] { fake_cudnn().create = CUDNN_STATUS_ALLOC_FAILED; }};
    for (std::size_t i = 0; i < std::size(ways); ++i) {
        start_anew();
        ways[i]();
        for (int run = 0; run < 2; ++run) expect_right("way " + std::to_string(i));
        EXPECT_EQ(fake_cudnn().convolutions, 0) << i;
        ASSERT_EQ(said_.size(), 1u) << i;
        EXPECT_EQ(said_[0].find("convolution: cuDNN reported "), 0u) << said_[0];
    }
}

TEST_F(ByCudnn, OnlyAFinalAnswerIsRemembered) {
    fake_cudnn().workspace = CUDNN_STATUS_NOT_SUPPORTED;
    expect_right("asked");
    const int asked = fake_cudnn().questions;
    expect_right("not asked again");
    EXPECT_EQ(fake_cudnn().questions, asked);
    for (cudnnStatus_t emulated::FakeCudnn::*where :
         {&emulated::FakeCudnn::workspace, &emulated::FakeCudnn::describe, &emulated::FakeCudnn::create}) {
        start_anew();
        fake_cudnn().*where = CUDNN_STATUS_ALLOC_FAILED;
        expect_right("without it");
        EXPECT_EQ(fake_cudnn().convolutions, 0);
        fake_cudnn().*where = CUDNN_STATUS_SUCCESS;
        expect_right("with it");
        EXPECT_EQ(fake_cudnn().convolutions, 3);
    }
}

TEST_F(ByCudnn, SixteenBitsThatItRefusesAreComputedInF32) {
    for (const DType type : {DType::f16, DType::bf16})
        device::expect_near_with_gradients(emulated_device(), operands(type),
                                           type == DType::f16 ? 0.02 : 0.15, name(type), result);
    EXPECT_FALSE(fake_cudnn().tried.empty());
    EXPECT_EQ(fake_cudnn().convolutions, 0);
    EXPECT_EQ(said_.size(), 1u);
}

}  // namespace
}  // namespace adjoint
