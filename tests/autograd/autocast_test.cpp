// Mixed precision: which operation computes in which type, and that parameters keep theirs.
#include <gtest/gtest.h>

#include <thread>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/convolution.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/einsum.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

Tensor numbers(const Shape& shape, double first = 0.3) {
    std::vector<double> values(static_cast<std::size_t>(shape.numel()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + 0.37 * static_cast<double>(i % 7);
    return tensor(values, shape, {.dtype = f32});
}

TEST(Autocast, ProductsComputeInItsType) {
    const Tensor a = numbers({3, 4}), b = numbers({4, 2}), w = numbers({2, 4}), bias = numbers({2});
    const Tensor image = numbers({1, 2, 4, 4}), kernel = numbers({3, 2, 3, 3});
    for (const DType type : {bf16, f16}) {
        const Autocast guard(type);
        EXPECT_EQ(matmul(a, b).dtype(), type);
        EXPECT_EQ(matmul(numbers({4}), b).dtype(), type);
        EXPECT_EQ(bmm(numbers({2, 3, 4}), numbers({2, 4, 2})).dtype(), type);
        EXPECT_EQ(affine(a, b, bias).dtype(), type);
        EXPECT_EQ(linear(a, w, bias).dtype(), type);
        EXPECT_EQ(linear(numbers({2, 3, 4}), w, bias).dtype(), type);
        EXPECT_EQ(einsum("ij,jk->ik", {a, b}).dtype(), type);
        EXPECT_EQ(conv2d(image, kernel).dtype(), type);
    }
}

TEST(Autocast, IsTheCastWrittenByHand) {
    const Tensor x = numbers({5, 4}), w = numbers({3, 4}, -0.8), bias = numbers({3});
    const Tensor by_hand = linear(x.to(bf16), w.to(bf16), bias);
    const Autocast guard(bf16);
    EXPECT_TRUE(equal(linear(x, w, bias), by_hand));
    EXPECT_FALSE(equal(linear(x, w, bias).to(f32), linear(x.to(f64), w.to(f64), bias.to(f64)).to(f32)));
}

TEST(Autocast, WhatIsDelicateStaysInF32) {
    const Tensor x = numbers({3, 4}).to(bf16), y = numbers({3, 4}, 0.1).to(bf16);
    const Tensor labels = zeros({3}, {.dtype = i64});
    const Autocast guard(bf16);
    EXPECT_EQ(softmax(x, 1).dtype(), f32);
    EXPECT_EQ(log_softmax(x, 1).dtype(), f32);
    EXPECT_EQ(logsumexp(x, 1).dtype(), f32);
    EXPECT_EQ(cross_entropy(x, labels).dtype(), f32);
    EXPECT_EQ(nll_loss(x, labels).dtype(), f32);
    EXPECT_EQ(mse_loss(x, y).dtype(), f32);
    EXPECT_EQ(l1_loss(x, y).dtype(), f32);
    EXPECT_EQ(huber_loss(x, y).dtype(), f32);
    EXPECT_EQ(smooth_l1_loss(x, y).dtype(), f32);
    EXPECT_EQ(binary_cross_entropy_with_logits(x, sigmoid(y)).dtype(), f32);
    EXPECT_EQ(binary_cross_entropy(sigmoid(x), sigmoid(y)).dtype(), f32);
    EXPECT_EQ(kl_div(x, sigmoid(y)).dtype(), f32);
}

TEST(Autocast, TheRestComputesInTheTypeItGets) {
    const Autocast guard(bf16);
    EXPECT_EQ(exp(numbers({3})).dtype(), f32);
    EXPECT_EQ((numbers({3}).to(bf16) + 1).dtype(), bf16);
    const Tensor wide = numbers({3, 3}).to(f64);
    EXPECT_EQ(matmul(wide, wide).dtype(), f64);
}

TEST(Autocast, GradientsArriveInTheTypeOfTheParameters) {
    const Tensor x = numbers({5, 4}), w = numbers({3, 4}, -0.8).set_requires_grad(),
                 bias = numbers({3}).set_requires_grad();
    const Tensor labels = zeros({5}, {.dtype = i64});
    Tensor loss;
    {
        const Autocast guard(bf16);
        loss = cross_entropy(linear(relu(x), w, bias), labels);
    }
    loss.backward();
    const Tensor lower = w.grad();
    EXPECT_EQ(lower.dtype(), f32);
    EXPECT_EQ(bias.grad().dtype(), f32);
    w.set_grad({});
    cross_entropy(linear(relu(x), w, bias), labels).backward();
    EXPECT_TRUE(allclose(lower, w.grad(), 2e-2, 2e-2));
    EXPECT_FALSE(equal(lower, w.grad()));
}

TEST(Autocast, NestsAndEndsWithItsScope) {
    EXPECT_FALSE(autocast_type().has_value());
    {
        const Autocast outer(bf16);
        {
            const Autocast inner(f16);
            EXPECT_EQ(autocast_type(), f16);
            const Autocast off(f32);
            EXPECT_FALSE(autocast_type().has_value());
            EXPECT_EQ(matmul(numbers({2, 2}), numbers({2, 2})).dtype(), f32);
        }
        EXPECT_EQ(autocast_type(), bf16);
        std::thread([] { EXPECT_FALSE(autocast_type().has_value()); }).join();
    }
    EXPECT_FALSE(autocast_type().has_value());
}

TEST(Autocast, RefusesOtherTypes) {
    EXPECT_THROW(Autocast{f64}, DTypeError);
    EXPECT_THROW(Autocast{i64}, DTypeError);
    EXPECT_FALSE(autocast_type().has_value());
}

}  // namespace
}  // namespace adjoint
