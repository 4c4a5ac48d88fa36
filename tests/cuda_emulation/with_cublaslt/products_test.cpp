// cuda/libraries/cublaslt.cpp on a cuBLASLt that is faked: its products, and what becomes of those that it
// refuses, now or for good.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/cuda/libraries/multiply.h>

#include "../emulated_device.h"
#include "../emulated_libraries.h"
#include "device/cases.h"
#include "device/compare.h"
#include "fake_cublaslt.h"

namespace adjoint {
namespace {

using device::numbers;
using emulated::fake_cublaslt;

class ByCublasLt : public testing::Test {
  protected:
    void SetUp() override {
        fake_cublaslt() = {};
        emulated_small_product() = 0;
        emulated_libraries().multiply = [this](cuda_backend::CudaBackend& cuda, const call::MatMul& product) {
            multiply(cuda, *products_, product);
        };
        set_warning_handler([this](const std::string& text) { said_.push_back(text); });
    }
    void TearDown() override {
        emulated_libraries() = {};
        emulated_small_product() = small_product_;
        set_warning_handler({});
    }

    // A program that has multiplied nothing yet.
    void start_anew() {
        products_ = std::make_unique<cuda_backend::Products>();
        fake_cublaslt() = {};
        set_warning_handler([this](const std::string& text) { said_.push_back(text); });
        said_.clear();
    }
    static void expect_right(const std::string& what) {
        const Tensor x = numbers({20, 30}), w = numbers({7, 30}), b = numbers({7});
        device::expect_near(linear(x, w, b), linear(x.to(gpu()), w.to(gpu()), b.to(gpu())), 1e-4, what);
    }
    static Device gpu() { return emulated_device(); }

    const std::int64_t small_product_ = emulated_small_product();

    std::unique_ptr<cuda_backend::Products> products_ = std::make_unique<cuda_backend::Products>();
    std::vector<std::string> said_;
};

TEST_F(ByCublasLt, DoesTheProducts) {
    for (const char* name :
         {"Products", "Convolutions", "ReplaysEqualTheEagerSteps", "ACapturedFitHasTheBitsOfTheEagerOne"}) {
        const auto& all = device_cases();
        const auto one = std::ranges::find(all, name, &DeviceCase::name);
        ASSERT_NE(one, all.end()) << name;
        one->check(gpu());
    }
    EXPECT_GT(fake_cublaslt().products, 100);
    EXPECT_TRUE(said_.empty()) << said_[0];
}

TEST_F(ByCublasLt, ARepeatedKindIsLookedUp) {
    for (int i = 0; i < 3; ++i) expect_right("again");
    EXPECT_EQ(fake_cublaslt().handles, 1);
    EXPECT_EQ(fake_cublaslt().heuristics, 1);
    EXPECT_EQ(fake_cublaslt().products, 3);
}

TEST_F(ByCublasLt, ARefusedAlgorithmIsLeftForTheNext) {
    fake_cublaslt().algorithms = {CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_ARCH_MISMATCH,
                                  CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_SUCCESS};
    expect_right("the third");
    expect_right("the third at once");
    EXPECT_EQ(fake_cublaslt().tried, (std::vector<int>{0, 1, 2, 2}));
    EXPECT_TRUE(said_.empty());
}

TEST_F(ByCublasLt, WhatFailsOnceIsTriedAgain) {
    fake_cublaslt().algorithms = {CUBLAS_STATUS_EXECUTION_FAILED, CUBLAS_STATUS_SUCCESS};
    expect_right("the second");
    fake_cublaslt().algorithms[0] = CUBLAS_STATUS_SUCCESS;
    expect_right("the first");
    EXPECT_EQ(fake_cublaslt().tried, (std::vector<int>{0, 1, 0}));
}

TEST_F(ByCublasLt, WithoutAnAlgorithmOurOwnKernelMultipliesAndThatIsSaidOnce) {
    const auto all_refused = [] {
        fake_cublaslt().algorithms = {CUBLAS_STATUS_NOT_SUPPORTED, CUBLAS_STATUS_NOT_SUPPORTED};
    };
    const std::function<void()> ways[] = {
        all_refused,
        [] { fake_cublaslt().algorithms = {CUBLAS_STATUS_EXECUTION_FAILED}; },
        [] { fake_cublaslt().algorithms.clear(); },
        [] { fake_cublaslt().heuristic = CUBLAS_STATUS_NOT_SUPPORTED; },
        [] { fake_cublaslt().heuristic = CUBLAS_STATUS_INTERNAL_ERROR; },
        [] { fake_cublaslt().describe = CUBLAS_STATUS_ALLOC_FAILED; },
        [] { fake_cublaslt().create = CUBLAS_STATUS_NOT_INITIALIZED; },
        [] { fake_cublaslt().create = CUBLAS_STATUS_ALLOC_FAILED; }};
    for (std::size_t i = 0; i < std::size(ways); ++i) {
        start_anew();
        ways[i]();
        for (int run = 0; run < 3; ++run) expect_right("way " + std::to_string(i));
        EXPECT_EQ(fake_cublaslt().products, 0) << i;
        ASSERT_EQ(said_.size(), 1u) << i;
        EXPECT_EQ(said_[0].find("matmul: cuBLASLt reported "), 0u) << said_[0];
        EXPECT_NE(said_[0].find("(20, 30) x (30, 7) of f32"), std::string::npos) << said_[0];
    }
}

TEST_F(ByCublasLt, OnlyAFinalAnswerIsRemembered) {
    fake_cublaslt().heuristic = CUBLAS_STATUS_NOT_SUPPORTED;
    expect_right("asked");
    const int asked = fake_cublaslt().heuristics;
    expect_right("not asked again");
    EXPECT_EQ(fake_cublaslt().heuristics, asked);
    for (cublasStatus_t emulated::FakeCublasLt::*where :
         {&emulated::FakeCublasLt::heuristic, &emulated::FakeCublasLt::describe,
          &emulated::FakeCublasLt::create}) {
        start_anew();
        fake_cublaslt().*where = CUBLAS_STATUS_ALLOC_FAILED;
        expect_right("without it");
        EXPECT_EQ(fake_cublaslt().products, 0);
        fake_cublaslt().*where = CUBLAS_STATUS_SUCCESS;
        expect_right("with it");
        EXPECT_EQ(fake_cublaslt().products, 1);
    }
}

TEST_F(ByCublasLt, ABiasThatItDoesNotAddIsWrittenFirst) {
    fake_cublaslt().adds_bias = false;
    expect_right("a bias");
    EXPECT_EQ(fake_cublaslt().products, 1);
    EXPECT_TRUE(said_.empty());
}

TEST_F(ByCublasLt, ABiasOffItsAlignmentDoesNotReachTheEpilogue) {
    for (const DType type : {DType::f32, DType::f64, DType::f16})
        for (const std::int64_t first : {0, 1, 2, 3, 4, 8}) {
            const Tensor x = numbers({20, 30}, type), w = numbers({7, 30}, type), all = numbers({20}, type);
            const Tensor here = linear(x, w, slice(all, 0, first, first + 7));
            const Tensor there = linear(x.to(gpu()), w.to(gpu()), slice(all.to(gpu()), 0, first, first + 7));
            device::expect_near(here, there, type == DType::f16 ? 0.05 : 1e-4,
                                std::string(name(type)) + " " + std::to_string(first));
        }
    EXPECT_EQ(fake_cublaslt().products, 18);
    EXPECT_FALSE(fake_cublaslt().misaligned_bias);
    EXPECT_TRUE(said_.empty());
}

TEST_F(ByCublasLt, ItsWorkspaceIsHeldForACallAlone) {
    fake_cublaslt().workspace = std::size_t{20} << 20;
    const Tensor a = numbers({20, 30}).to(gpu()), b = numbers({30, 40}).to(gpu());
    const std::int64_t before = emulated_memory();
    matmul(a, b);
    EXPECT_EQ(emulated_memory(), before);
    EXPECT_EQ(fake_cublaslt().products, 1);
}

TEST_F(ByCublasLt, IsNotAskedForAlgorithmsWhileAGraphIsMade) {
    // What the recorded run does not get, the graph is not to ask for.
    const Tensor a = numbers({20, 30}).to(gpu()), b = numbers({30, 40}).to(gpu());
    fake_cublaslt().heuristic = CUBLAS_STATUS_INTERNAL_ERROR;
    int in_the_run = 0;
    Tensor out;
    const Captured step = capture(
        [&] {
            out = matmul(a, b);
            in_the_run = fake_cublaslt().heuristics;
            fake_cublaslt().heuristic = CUBLAS_STATUS_SUCCESS;
        },
        {.device = gpu(), .warmup = 0});
    EXPECT_EQ(in_the_run, 1);
    EXPECT_EQ(fake_cublaslt().heuristics, 1);
    step.replay();
    device::expect_near(matmul(a.to(Device::cpu()), b.to(Device::cpu())), out, 1e-4, "a replay");
    EXPECT_EQ(fake_cublaslt().products, 0);
}

}  // namespace
}  // namespace adjoint
