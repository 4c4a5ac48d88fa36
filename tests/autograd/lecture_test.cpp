// The lectures' nodes driven by hand, against the numbers on the slides.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

using Numbers = std::vector<double>;

Tensor number(double x) { return Tensor(x); }

TEST(Lecture, FruitShopByHand) {
    const Tensor apple = number(100), apples = number(2), orange = number(150), oranges = number(3),
                 tax = number(1.1);
    fn::Mul apple_cost, orange_cost, with_tax;
    fn::Add together;
    const Tensor a = apple_cost.forward(apple, apples), o = orange_cost.forward(orange, oranges);
    const Tensor all = together.forward(a, o), price = with_tax.forward(all, tax);
    EXPECT_NEAR(price.item(), 715, 1e-9);

    const Grads at_tax = with_tax.backward(number(1));
    const Grads at_sum = together.backward(at_tax[0]);
    const Grads at_apples = apple_cost.backward(at_sum[0]), at_oranges = orange_cost.backward(at_sum[1]);
    EXPECT_NEAR(at_apples[0].item(), 2.2, 1e-12);
    EXPECT_NEAR(at_apples[1].item(), 110, 1e-12);
    EXPECT_NEAR(at_oranges[0].item(), 3.3, 1e-12);
    EXPECT_NEAR(at_oranges[1].item(), 165, 1e-12);
    EXPECT_NEAR(at_tax[1].item(), 650, 1e-12);
}

TEST(Lecture, FruitShopRecorded) {
    std::vector<Tensor> in;
    for (const double x : {100.0, 2.0, 150.0, 3.0, 1.1}) in.push_back(number(x).set_requires_grad());
    const Tensor price = (in[0] * in[1] + in[2] * in[3]) * in[4];
    price.backward();
    EXPECT_NEAR(price.item(), 715, 1e-9);
    const Numbers expected{2.2, 110, 3.3, 165, 650};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(in[i].grad().item(), expected[i], 1e-12);
}

TEST(Lecture, SumTimesZ) {
    const auto values = [](double x, double y, double z) {
        fn::Add plus;
        fn::Mul times;
        const Tensor f = times.forward(plus.forward(number(x), number(y)), number(z));
        const Grads outer = times.backward(number(1));
        const Grads inner = plus.backward(outer[0]);
        return Numbers{f.item(), inner[0].item(), inner[1].item(), outer[1].item()};
    };
    EXPECT_EQ(values(1, 2, 1)[0], 3);
    EXPECT_EQ(values(1, -2, 1), (Numbers{-1, 1, 1, -1}));
}

TEST(Lecture, SquareOfASum) {
    const Tensor x = number(3).set_requires_grad(), y = number(4).set_requires_grad();
    square(x + y).backward();
    EXPECT_EQ(x.grad().item(), 14);
    EXPECT_EQ(y.grad().item(), 14);
}

TEST(Lecture, TheSigmoidNeuronAsAChainOfNodes) {
    const Numbers numbers{2, -1, -3, -2, -3};  // w0 x0 + w1 x1 + w2
    const auto leaves = [&] {
        std::vector<Tensor> in;
        for (const double x : numbers) in.push_back(number(x).set_requires_grad());
        return in;
    };
    const std::vector<Tensor> chained = leaves(), fused = leaves();
    const auto score = [](const std::vector<Tensor>& in) { return in[0] * in[1] + in[2] * in[3] + in[4]; };
    const Tensor y = reciprocal(exp(neg(score(chained))) + 1), s = sigmoid(score(fused));
    y.backward();
    s.backward();
    EXPECT_NEAR(y.item(), 1 / (1 + std::exp(-1.0)), 1e-15);
    EXPECT_NEAR(y.item(), s.item(), 1e-15);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(chained[i].grad().item(), fused[i].grad().item(), 1e-15);
    EXPECT_NEAR(fused[4].grad().item(), s.item() * (1 - s.item()), 1e-15);

    fn::Sigmoid node;
    const Tensor by_hand = node.forward(number(1));
    EXPECT_NEAR(node.backward(number(1))[0].item(), by_hand.item() * (1 - by_hand.item()), 1e-15);
}

TEST(Lecture, AffineByHand) {
    fn::Affine layer;
    const Tensor x = tensor({{1, 2}, {3, 4}}, {.dtype = f64}),
                 w = tensor({{1, 0, -1}, {2, 1, 0}}, {.dtype = f64});
    const Tensor b = tensor({10, 20, 30}, {.dtype = f64});
    const Tensor y = layer.forward(x, w, b);
    EXPECT_EQ(y.to_vector<double>(), (Numbers{15, 22, 29, 21, 24, 27}));
    const Grads grads = layer.backward(tensor({{1, 0, 2}, {0, 1, 1}}, {.dtype = f64}));
    EXPECT_EQ(grads[0].to_vector<double>(), (Numbers{-1, 2, -1, 1}));      // dY W^T
    EXPECT_EQ(grads[1].to_vector<double>(), (Numbers{1, 3, 5, 2, 4, 8}));  // X^T dY
    EXPECT_EQ(grads[2].to_vector<double>(), (Numbers{1, 1, 3}));           // over the batch
}

TEST(Lecture, AffineOfOneSample) {
    fn::Affine layer;
    const Tensor x = tensor({1, 2}, {.dtype = f64}), w = tensor({{1, 0, -1}, {2, 1, 0}}, {.dtype = f64});
    const Tensor y = layer.forward(x, w, tensor({10, 20, 30}, {.dtype = f64}));
    EXPECT_EQ(y.shape(), Shape{3});
    EXPECT_EQ(y.to_vector<double>(), (Numbers{15, 22, 29}));
    const Grads grads = layer.backward(tensor({1, 0, 2}, {.dtype = f64}));
    EXPECT_EQ(grads[0].shape(), Shape{2});
    EXPECT_EQ(grads[0].to_vector<double>(), (Numbers{-1, 2}));
    EXPECT_EQ(grads[1].to_vector<double>(), (Numbers{1, 0, 2, 2, 0, 4}));
    EXPECT_EQ(grads[2].to_vector<double>(), (Numbers{1, 0, 2}));
}

TEST(Lecture, MseKeepsItsTwoConventionsApart) {
    const Tensor y = tensor({{1, 2}, {3, 5}}, {.dtype = f64}), t = tensor({{0, 2}, {1, 1}}, {.dtype = f64});
    fn::MSE node;
    EXPECT_EQ(node.forward(y, t).item(), 0.5 * (1 + 0 + 4 + 16));
    EXPECT_EQ(node.backward(number(1))[0].to_vector<double>(), (Numbers{0.5, 0, 1, 2}));  // (y - t) / batch

    const Tensor recorded = y.clone().set_requires_grad();
    record(fn::MSE{}, recorded, t).backward();
    EXPECT_EQ(recorded.grad().to_vector<double>(), (Numbers{0.5, 0, 1, 2}));

    const Tensor consistent = y.clone().set_requires_grad();
    const Tensor loss = mse_loss(consistent, t);
    loss.backward();
    EXPECT_EQ(loss.item(), 21.0 / 4);
    EXPECT_EQ(consistent.grad().to_vector<double>(), (Numbers{0.5, 0, 1, 2}));  // 2 (y - t) / 4
}

}  // namespace
}  // namespace adjoint
