// The layers: shapes, gradients, modes, what they start from; the initialisers; the losses as modules.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/embedding.h>
#include <adjoint/nn/init.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/loss.h>
#include <adjoint/nn/sequential.h>

namespace adjoint::nn {
namespace {

using Vector = std::vector<double>;

struct Statistics {
    double mean, deviation, least, largest;
};

Statistics statistics(const Tensor& x) {
    const Vector v = x.to_vector<double>();
    const auto n = static_cast<double>(v.size());
    const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
    double square = 0;
    for (const double value : v) square += (value - mean) * (value - mean);
    return {mean, std::sqrt(square / n), *std::min_element(v.begin(), v.end()),
            *std::max_element(v.begin(), v.end())};
}

TEST(Linear, StartsUniformAndComputes) {
    manual_seed(1);
    const Linear layer(400, 300);
    EXPECT_EQ(layer.weight.shape(), (Shape{300, 400}));
    EXPECT_EQ(layer.bias.shape(), (Shape{300}));
    const Statistics weight = statistics(layer.weight), bias = statistics(layer.bias);
    EXPECT_NEAR(weight.least, -0.05, 1e-5);
    EXPECT_NEAR(weight.largest, 0.05, 1e-5);
    EXPECT_GE(bias.least, -0.05);
    EXPECT_LE(bias.largest, 0.05);
    EXPECT_GT(bias.largest, 0.045);
    EXPECT_NEAR(weight.deviation, 0.05 / std::sqrt(3.0), 2e-4);

    const Linear small(2, 1, {.dtype = f64});
    small.weight.detach().copy_(tensor(Vector{2, 3}, {1, 2}));
    small.bias.detach().fill_(0.5);
    EXPECT_EQ(small(tensor(Vector{1, 10, 2, 20}, {2, 2})).to_vector<double>(), (Vector{32.5, 64.5}));
    EXPECT_EQ(layer(ones({2, 7, 400})).shape(), (Shape{2, 7, 300}));
    EXPECT_FALSE(Linear(2, 1, {.bias = false}).bias.defined());
    EXPECT_EQ(Linear(0, 3)(ones({2, 0})).shape(), (Shape{2, 3}));
    EXPECT_THROW(Linear(-1, 3), ValueError);
    EXPECT_THROW(layer(ones({2, 3})), ShapeError);
}

TEST(Flatten, KeepsTheBatch) {
    EXPECT_EQ(Flatten()(ones({2, 3, 4})).shape(), (Shape{2, 12}));
    EXPECT_EQ(Flatten(0)(ones({2, 3, 4})).shape(), (Shape{24}));
}

TEST(Activation, LayersCallTheirFunction) {
    const Tensor x = tensor(Vector{-3, -1, -0.3, 0, 0.4, 1, 2, 30}, {2, 4});
    const auto is = [&](const Tensor& got, const Tensor& expected) {
        EXPECT_TRUE(equal(got, expected)) << expected.producer_name();
    };
    is(ReLU()(x), relu(x));
    is(ReLU6()(x), relu6(x));
    is(LeakyReLU(0.2)(x), leaky_relu(x, 0.2));
    is(ELU(0.7)(x), elu(x, 0.7));
    is(CELU(0.7)(x), celu(x, 0.7));
    is(SELU()(x), selu(x));
    is(Sigmoid()(x), sigmoid(x));
    is(LogSigmoid()(x), logsigmoid(x));
    is(Tanh()(x), tanh(x));
    is(SiLU()(x), silu(x));
    is(Mish()(x), mish(x));
    is(Softplus(2, 5)(x), softplus(x, 2, 5));
    is(Softsign()(x), softsign(x));
    is(Hardtanh(-0.5, 2)(x), hardtanh(x, -0.5, 2));
    is(Hardsigmoid()(x), hardsigmoid(x));
    is(Hardswish()(x), hardswish(x));
    is(Softmax(1)(x), softmax(x, 1));
    is(LogSoftmax(0)(x), log_softmax(x, 0));
    is(GELU()(x), gelu(x));
    is(GELU(GeluForm::tanh)(x), gelu(x, GeluForm::tanh));
}

TEST(Activation, PReLULearns) {
    const PReLU layer(3);
    const Tensor y = layer(full({2, 3}, -2));
    EXPECT_EQ(y.to_vector<double>(), Vector(6, -0.5));
    sum(y).backward();
    EXPECT_EQ(layer.weight.grad().to_vector<double>(), Vector(3, -4));
}

TEST(Activation, MaxoutTakesTheLargestOfEachGroup) {
    const Tensor x = tensor(Vector{1, 5, 2, 2, -3, -4}, {1, 6});
    x.set_requires_grad();
    const Tensor y = Maxout(2)(x);
    EXPECT_EQ(y.to_vector<double>(), (Vector{5, 2, -3}));
    sum(y).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Vector{0, 1, 1, 0, 1, 0}));
    EXPECT_THROW(Maxout(4)(x), ShapeError);
    EXPECT_THROW(Maxout(0), ValueError);
}

TEST(Dropout, OnlyInTraining) {
    manual_seed(2);
    const Dropout layer(0.25);
    const Tensor x = ones({10000});
    const Tensor first = layer(x), second = layer(x);
    EXPECT_NEAR(statistics(first).mean, 1, 0.03);
    EXPECT_NEAR(statistics(first).largest, 4.0 / 3, 1e-6);
    EXPECT_FALSE(equal(first, second));
    layer.eval();
    EXPECT_TRUE(equal(layer(x), x));
    layer.train();
    EXPECT_FALSE(equal(layer(x), x));
    EXPECT_EQ(statistics(Dropout(1)(x)).largest, 0);
    EXPECT_THROW(Dropout(1.5), ValueError);
}

TEST(BatchNorm, NormalisesAndRemembers) {
    const BatchNorm1d layer(2);
    layer.to(f64);
    const Tensor x = tensor(Vector{1, 10, 3, 30, 5, 50}, {3, 2});
    const Tensor y = layer(x);
    const double root = std::sqrt(8.0 / 3 + 1e-5);
    EXPECT_NEAR(y.to_vector<double>()[0], -2 / root, 1e-12);
    EXPECT_NEAR(y.to_vector<double>()[2], 0, 1e-12);
    // Running: 0.9 of the start and 0.1 of the batch, whose variance is unbiased here.
    EXPECT_NEAR(layer.running_mean.to_vector<double>()[1], 3, 1e-12);
    EXPECT_NEAR(layer.running_var.to_vector<double>()[1], 0.9 + 0.1 * 400, 1e-12);
    EXPECT_EQ(layer.num_batches_tracked.item<int>(), 1);
    layer.eval();
    const Tensor single = layer(tensor(Vector{1, 10}, {1, 2}));
    EXPECT_NEAR(single.to_vector<double>()[1], (10 - 3) / std::sqrt(40.9 + 1e-5), 1e-12);
    EXPECT_EQ(layer.num_batches_tracked.item<int>(), 1);
    layer.train();
    EXPECT_THROW(layer(tensor(Vector{1, 10}, {1, 2})), ValueError);
    EXPECT_EQ(layer.num_batches_tracked.item<int>(), 1);
    EXPECT_THROW(layer(ones({2, 2, 3, 3}, {.dtype = f64})), ShapeError);
    EXPECT_THROW(BatchNorm2d(2)(ones({4, 2})), ShapeError);
    EXPECT_EQ(BatchNorm2d(2)(ones({4, 2, 3, 3})).shape(), (Shape{4, 2, 3, 3}));
}

TEST(BatchNorm, Options) {
    const BatchNorm1d plain(2, {.affine = false, .track_running_stats = false});
    EXPECT_TRUE(plain.state().empty());
    plain.eval();
    EXPECT_NEAR(statistics(plain(tensor({{1, 4}, {3, 8}}))).mean, 0,
                1e-6);  // by the batch in evaluation as well
    const BatchNorm1d average(1, {.momentum = std::nullopt});
    (void)average(tensor(std::vector<float>{1, 3}, {2, 1}));
    (void)average(tensor(std::vector<float>{5, 7}, {2, 1}));
    (void)average(tensor(std::vector<float>{9, 11}, {2, 1}));
    EXPECT_NEAR(average.running_mean.item(), 6, 1e-6);
}

TEST(Embedding, LooksUpAndLearns) {
    manual_seed(3);
    const Embedding layer(5, 3, {.padding_idx = -1});
    const Tensor index = tensor(std::vector<std::int64_t>{1, 4, 1, 0}, {2, 2});
    const Tensor y = layer(index);
    EXPECT_EQ(y.shape(), (Shape{2, 2, 3}));
    EXPECT_EQ(y.to_vector<double>()[3], 0);
    EXPECT_NE(y.to_vector<double>()[0], 0);
    sum(y).backward();
    EXPECT_EQ(layer.weight.grad().to_vector<double>(), (Vector{1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_THROW(layer(tensor(std::vector<std::int64_t>{5}, {1})), IndexError);
    EXPECT_THROW(Embedding(5, 3, {.padding_idx = 5}), IndexError);
    const Statistics start = statistics(Embedding(300, 100).weight);
    EXPECT_NEAR(start.mean, 0, 0.03);
    EXPECT_NEAR(start.deviation, 1, 0.02);
}

TEST(Loss, ModulesCallTheirFunction) {
    manual_seed(4);
    const Tensor x = randn({4, 3}), y = randn({4, 3}), p = sigmoid(randn({4, 3})), w = rand({3});
    const Tensor labels = tensor(std::vector<std::int64_t>{0, 2, 1, 1}, {4});
    constexpr Reduction total = Reduction::sum;
    EXPECT_TRUE(equal(MSELoss()(x, y), mse_loss(x, y)));
    EXPECT_TRUE(equal(MSELoss({.reduction = total})(x, y), mse_loss(x, y, total)));
    EXPECT_TRUE(equal(L1Loss({.reduction = total})(x, y), l1_loss(x, y, total)));
    EXPECT_TRUE(equal(SmoothL1Loss({.beta = 0.3})(x, y), smooth_l1_loss(x, y, {.beta = 0.3})));
    EXPECT_TRUE(equal(HuberLoss({.delta = 0.3})(x, y), huber_loss(x, y, {.delta = 0.3})));
    EXPECT_TRUE(equal(BCELoss({.weight = w})(p, p), binary_cross_entropy(p, p, {.weight = w})));
    EXPECT_TRUE(equal(BCEWithLogitsLoss({.pos_weight = w})(x, p),
                      binary_cross_entropy_with_logits(x, p, {.pos_weight = w})));
    EXPECT_TRUE(equal(KLDivLoss({.reduction = total, .log_target = true})(x, y),
                      kl_div(x, y, {.reduction = total, .log_target = true})));
    EXPECT_TRUE(equal(NLLLoss({.weight = w, .ignore_index = 2})(x, labels),
                      nll_loss(x, labels, {.weight = w, .ignore_index = 2})));
    const CrossEntropyLoss loss({.weight = w, .label_smoothing = 0.1});
    EXPECT_TRUE(equal(loss(x, labels), cross_entropy(x, labels, {.weight = w, .label_smoothing = 0.1})));
    EXPECT_EQ(loss.named_buffers().size(), 1U);
    EXPECT_TRUE(loss.parameters().empty());
}

TEST(Init, DistributionsHaveTheirMoments) {
    manual_seed(5);
    const Tensor x = empty({200, 50, 2, 2});  // fan in 200, fan out 800
    const auto expect = [&](double mean, double deviation, double bound) {
        const Statistics got = statistics(x);
        EXPECT_NEAR(got.mean, mean, 4 * deviation / 200);
        EXPECT_NEAR(got.deviation, deviation, 0.015 * deviation);
        EXPECT_LE(std::max(got.largest - mean, mean - got.least), bound * 1.000001);
    };
    const double inf = HUGE_VAL;
    const auto uniform = [&](double bound) { expect(0, bound / std::sqrt(3.0), bound); };
    init::uniform_(x, 2, 6);
    expect(4, 4 / std::sqrt(12.0), 2);
    init::normal_(x, 3, 0.5);
    expect(3, 0.5, inf);
    init::xavier_uniform_(x, 2);
    uniform(2 * std::sqrt(6.0 / 1000));
    init::xavier_normal_(x, 2);
    expect(0, 2 * std::sqrt(2.0 / 1000), inf);
    init::kaiming_uniform_(x, {.a = std::sqrt(5.0)});
    uniform(1 / std::sqrt(200.0));
    init::kaiming_uniform_(x, {.mode = init::FanMode::out, .nonlinearity = init::Nonlinearity::relu});
    uniform(std::sqrt(6.0 / 800));
    init::kaiming_normal_(x, {.nonlinearity = init::Nonlinearity::tanh});
    expect(0, 5.0 / 3 / std::sqrt(200.0), inf);
    init::constant_(x, 7);
    expect(7, 0, 0);
    // A normal distribution cut at two standard deviations has 0.8796 of its deviation left.
    init::trunc_normal_(x, 1, 0.5, 0, 2);
    expect(1, 0.5 * 0.87963, 1);
    init::trunc_normal_(x, 0, 1, 3, 4);  // far out, where most of the mass is near the bound
    EXPECT_GE(statistics(x).least, 3);
    EXPECT_LE(statistics(x).largest, 4);
    EXPECT_NEAR(statistics(x).mean, 3.26045, 0.005);
    EXPECT_EQ(init::calculate_gain(init::Nonlinearity::selu), 0.75);
    EXPECT_NEAR(init::calculate_gain(init::Nonlinearity::leaky_relu, 1), 1, 1e-15);
    EXPECT_THROW(init::xavier_uniform_(empty({3})), ShapeError);
    EXPECT_THROW(init::uniform_(empty({3}, {.dtype = i64})), DTypeError);
    EXPECT_THROW(init::uniform_(x, 1, 0), ValueError);
}

TEST(Init, OrthogonalRowsOrColumns) {
    manual_seed(6);
    for (const Shape& shape : {Shape{4, 9}, Shape{9, 4}, Shape{5, 2, 3}, Shape{6, 6}}) {
        const Tensor x = init::orthogonal_(empty(shape, {.dtype = f64}), 3);
        const Tensor m = flatten(x, 1);
        const Tensor gram = m.size(0) <= m.size(1) ? matmul(m, t(m)) : matmul(t(m), m);
        EXPECT_TRUE(allclose(gram, eye(gram.size(0), -1, {.dtype = f64}) * 9.0, 1e-12, 1e-12));
    }
}

TEST(Init, TheSeedDecides) {
    const auto draw = [](std::uint64_t seed) {
        manual_seed(seed);
        const Sequential net(Linear(5, 4), Embedding(3, 2));
        return net.state();
    };
    const NamedTensors a = draw(1), b = draw(1), c = draw(2);
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_TRUE(equal(a[i].second, b[i].second));
        EXPECT_FALSE(equal(a[i].second, c[i].second));
    }
    manual_seed(1);
    EXPECT_FALSE(equal(Linear(5, 4).weight, Linear(5, 4).weight));
}

}  // namespace
}  // namespace adjoint::nn
