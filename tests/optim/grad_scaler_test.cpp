// The scale of a loss: exact, skipped steps, growth and backoff.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/optim/grad_scaler.h>
#include <adjoint/optim/sgd.h>

namespace adjoint::optim {
namespace {

Tensor three() { return tensor({1, 2, 3}, {.dtype = f32, .requires_grad = true}); }

TEST(GradScaler, AStepIsThatOfTheUnscaledLoss) {
    const Tensor plain = three(), scaled = three();
    SGD a({plain}, {.lr = 0.1}), b({scaled}, {.lr = 0.1});
    GradScaler scaler;
    for (int i = 0; i < 3; ++i) {
        a.zero_grad();
        b.zero_grad();
        sum(plain * plain).backward();
        scaler.scale(sum(scaled * scaled)).backward();
        a.step();
        EXPECT_TRUE(scaler.step(b));
        scaler.update();
    }
    EXPECT_EQ(plain.to_vector<float>(), scaled.to_vector<float>());
    EXPECT_EQ(scaler.scale(), 65536);
}

TEST(GradScaler, UnscalesOnceBeforeTheStep) {
    const Tensor x = three();
    SGD optimizer({x}, {.lr = 0.1});
    GradScaler scaler({.init_scale = 8});
    scaler.scale(sum(x)).backward();
    EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(3, 8));
    scaler.unscale(optimizer);
    scaler.unscale(optimizer);
    EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(3, 1));
    EXPECT_TRUE(scaler.step(optimizer));
    EXPECT_NEAR(x(0).item(), 0.9, 1e-6);
}

TEST(GradScaler, AnOverflowMovesNothingAndHalvesTheScale) {
    const Tensor x = three(), y = three();
    SGD optimizer({x, y}, {.lr = 0.1});
    GradScaler scaler({.init_scale = 16});
    for (const double bad : {std::nan(""), -std::numeric_limits<double>::infinity()}) {
        sum(x).backward();
        y.set_grad(tensor({0.0, bad, 0.0}, {.dtype = f32}));
        const double before = scaler.scale();
        EXPECT_FALSE(scaler.step(optimizer));
        scaler.update();
        EXPECT_EQ(scaler.scale(), before / 2);
        EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3}));
        optimizer.zero_grad();
    }
}

TEST(GradScaler, TheScaleGrowsAfterTheInterval) {
    const Tensor x = three();
    SGD optimizer({x}, {.lr = 0.001});
    GradScaler scaler({.init_scale = 4, .growth_interval = 3});
    std::vector<double> scales;
    for (int i = 0; i < 7; ++i) {
        optimizer.zero_grad();
        scaler.scale(sum(x)).backward();
        scaler.step(optimizer);
        scaler.update();
        scales.push_back(scaler.scale());
    }
    EXPECT_EQ(scales, (std::vector<double>{4, 4, 8, 8, 8, 16, 16}));
}

TEST(GradScaler, SavesGradientsThatVanishInF16) {
    const Tensor x = full({4}, 1, {.dtype = f32, .requires_grad = true});
    const auto slope = [&](double scale) {
        x.set_grad({});
        Tensor loss;
        {
            const Autocast guard(f16);
            loss = sum(matmul(reshape(x, {1, 4}), ones({4, 1}))).to(f32) * 1e-9;
        }
        (loss * scale).backward();
        return x.grad()(0).item<double>() / scale;
    };
    EXPECT_EQ(slope(1), 0);
    EXPECT_NEAR(slope(65536), 1e-9, 1e-11);
}

TEST(GradScaler, ResumesFromItsState) {
    const Tensor x = three();
    SGD optimizer({x}, {.lr = 0.001});
    GradScaler scaler({.init_scale = 3, .growth_interval = 2});
    sum(x).backward();
    scaler.step(optimizer);
    scaler.update();
    GradScaler other({.growth_interval = 2});
    other.load_state(scaler.state());
    EXPECT_EQ(other.scale(), 3);
    other.step(optimizer);
    other.update();
    EXPECT_EQ(other.scale(), 6);
    EXPECT_THROW(other.load_state({{"scale", tensor({-1})}, {"good_steps", tensor({0})}}), ValueError);
    EXPECT_THROW(other.load_state({}), ValueError);
    EXPECT_EQ(other.scale(), 6);
}

TEST(GradScaler, RefusesMisuse) {
    EXPECT_THROW(GradScaler({.init_scale = 0}), ValueError);
    EXPECT_THROW(GradScaler({.growth_factor = 1}), ValueError);
    EXPECT_THROW(GradScaler({.backoff_factor = 1}), ValueError);
    EXPECT_THROW(GradScaler({.growth_interval = 0}), ValueError);
    const Tensor x = three();
    SGD optimizer({x}, {.lr = 0.1});
    GradScaler scaler;
    scaler.step(optimizer);
    EXPECT_THROW(scaler.step(optimizer), AutogradError);
    scaler.update();
    EXPECT_TRUE(scaler.step(optimizer));
}

}  // namespace
}  // namespace adjoint::optim
