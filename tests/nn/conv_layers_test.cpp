// Convolution, pooling and normalisation layers: shapes, what they start from, state,
// modes, gradients, printing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/cross_entropy.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/convolution.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/layer_norm.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/pooling.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/adam.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

using Vector = std::vector<double>;

// Uniform in +-bound: within it, and close to it somewhere.
void expect_uniform(const Tensor& x, double bound) {
    const Vector values = x.detach().to_vector<double>();
    const auto [least, largest] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*least, -bound * 1.0001);
    EXPECT_LE(*largest, bound * 1.0001);
    EXPECT_LT(*least, -0.9 * bound);
    EXPECT_GT(*largest, 0.9 * bound);
}

void expect_gradients(const std::vector<Tensor>& parameters) {
    for (const Tensor& p : parameters) {
        ASSERT_TRUE(p.grad().defined());
        EXPECT_EQ(p.grad().shape(), p.shape());
        EXPECT_GT(sum(abs(p.grad())).item(), 0);
    }
}

TEST(Conv2d, StartsUniformAndComputes) {
    manual_seed(1);
    const Conv2d layer(8, 12, {3, 2}, {.stride = 2, .padding = {1, 0}, .groups = 2});
    EXPECT_EQ(layer.weight.shape(), (Shape{12, 4, 3, 2}));
    EXPECT_EQ(layer.bias.shape(), (Shape{12}));
    expect_uniform(layer.weight, 1 / std::sqrt(24.0));
    EXPECT_LE(amax(abs(layer.bias)).item(), 1 / std::sqrt(24.0) * 1.0001);
    EXPECT_EQ(names(layer.state()), (std::vector<std::string>{"weight", "bias"}));

    const Tensor x = randn({2, 8, 7, 6});
    EXPECT_TRUE(
        equal(layer(x), conv2d(x, layer.weight, layer.bias, {.stride = 2, .padding = {1, 0}, .groups = 2})));
    EXPECT_EQ(layer(x).shape(), (Shape{2, 12, 4, 3}));
    EXPECT_EQ(layer(randn({8, 7, 6})).shape(), (Shape{12, 4, 3}));
    sum(square(layer(x))).backward();
    expect_gradients(layer.parameters());

    EXPECT_FALSE(Conv2d(1, 1, 1, {.bias = false}).bias.defined());
    EXPECT_EQ(Conv2d(1, 1, 1, {.dtype = f64}).weight.dtype(), f64);
    EXPECT_THROW(layer(ones({2, 7, 7, 6})), ValueError);
    EXPECT_THROW(layer(ones({2, 6, 7, 6})), ShapeError);
    EXPECT_THROW(Conv2d(0, 1, 1), ValueError);
    EXPECT_THROW(Conv2d(1, 1, 0), ValueError);
    EXPECT_THROW(Conv2d(4, 6, 3, {.groups = 4}), ValueError);
    EXPECT_THROW(Conv2d(4, 6, 3, {.groups = 0}), ValueError);
}

TEST(Conv1d, StartsUniformAndComputes) {
    manual_seed(2);
    const Conv1d layer(6, 30, 5, {.stride = 2, .padding = 1, .dilation = 2, .groups = 3});
    EXPECT_EQ(layer.weight.shape(), (Shape{30, 2, 5}));
    expect_uniform(layer.weight, 1 / std::sqrt(10.0));
    const Tensor x = randn({2, 6, 20});
    EXPECT_TRUE(equal(layer(x), conv1d(x, layer.weight, layer.bias,
                                       {.stride = 2, .padding = 1, .dilation = 2, .groups = 3})));
    sum(square(layer(x))).backward();
    expect_gradients(layer.parameters());
    EXPECT_THROW(Conv1d(3, 4, 2, {.groups = 2}), ValueError);
}

TEST(ConvTranspose2d, StartsUniformAndComputes) {
    manual_seed(3);
    const ConvTranspose2d layer(6, 8, 3, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2});
    EXPECT_EQ(layer.weight.shape(), (Shape{6, 4, 3, 3}));
    EXPECT_EQ(layer.bias.shape(), (Shape{8}));
    expect_uniform(layer.weight, 1 / std::sqrt(36.0));
    const Tensor x = randn({2, 6, 4, 5});
    EXPECT_EQ(layer(x).shape(), (Shape{2, 8, 8, 10}));
    sum(square(layer(x))).backward();
    expect_gradients(layer.parameters());
    EXPECT_THROW(ConvTranspose2d(4, 6, 3, {.groups = 3}), ValueError);
}

TEST(Pooling, LayersCallTheirFunction) {
    const Tensor x = randn({2, 3, 9, 8});
    const auto is = [&](const Tensor& got, const Tensor& expected) { EXPECT_TRUE(equal(got, expected)); };
    is(MaxPool2d(2)(x), max_pool2d(x, 2));
    is(MaxPool2d({3, 2}, {.stride = 1, .padding = 1})(x), max_pool2d(x, {3, 2}, {.stride = 1, .padding = 1}));
    is(AvgPool2d(3, {.ceil_mode = true})(x), avg_pool2d(x, 3, {.ceil_mode = true}));
    is(AdaptiveAvgPool2d({4, 3})(x), adaptive_avg_pool2d(x, {4, 3}));
    is(MaxPool1d(4, {.stride = 2})(x(0)), max_pool1d(x(0), 4, {.stride = 2}));
    is(Upsample({.scale_factor = 2})(x), interpolate(x, {.scale_factor = 2}));
    is(Upsample({.size = {4, 5}, .mode = InterpolateMode::bilinear})(x),
       interpolate(x, {.size = {4, 5}, .mode = InterpolateMode::bilinear}));
    EXPECT_TRUE(MaxPool2d(2).parameters().empty());
    EXPECT_THROW(MaxPool2d(0), ValueError);
    EXPECT_THROW(MaxPool2d(2, {.stride = 0}), ValueError);
    EXPECT_THROW(AdaptiveAvgPool2d(0), ValueError);
    EXPECT_THROW(Upsample({}), ValueError);
}

TEST(RowNorm, LayersStartAtOneAndZero) {
    const Tensor x = randn({3, 4, 5, 6});
    const LayerNorm layer({5, 6});
    EXPECT_EQ(names(layer.state()), (std::vector<std::string>{"weight", "bias"}));
    EXPECT_TRUE(equal(layer.weight, ones({5, 6})));
    EXPECT_TRUE(equal(layer.bias, zeros({5, 6})));
    EXPECT_TRUE(allclose(layer(x), layer_norm(x, {5, 6})));
    EXPECT_EQ(LayerNorm(6)(x).shape(), x.shape());
    EXPECT_FALSE(LayerNorm(6, {.bias = false}).bias.defined());
    EXPECT_TRUE(LayerNorm(6, {.elementwise_affine = false}).parameters().empty());
    EXPECT_THROW(layer(ones({5, 5})), ShapeError);

    const GroupNorm group(2, 4);
    EXPECT_EQ(group.weight.shape(), (Shape{4}));
    EXPECT_TRUE(allclose(group(x), group_norm(x, 2)));
    EXPECT_TRUE(GroupNorm(2, 4, {.affine = false}).parameters().empty());
    EXPECT_THROW(GroupNorm(3, 4), ValueError);
    sum(square(group(x)) + square(LayerNorm(6)(x))).backward();
    sum(square(layer(x) + 1)).backward();
    expect_gradients(layer.parameters());
}

TEST(InstanceNorm2d, TracksOnRequest) {
    const Tensor x = randn({3, 2, 4, 4}) + 2;
    const InstanceNorm2d plain(2);
    EXPECT_TRUE(plain.state().empty());
    EXPECT_TRUE(equal(plain(x), instance_norm(x)));
    plain.eval();
    EXPECT_TRUE(equal(plain(x), instance_norm(x)));

    const InstanceNorm2d tracking(2, {.momentum = 0.5, .affine = true, .track_running_stats = true});
    EXPECT_EQ(names(tracking.state()), (std::vector<std::string>{"weight", "bias", "running_mean",
                                                                 "running_var", "num_batches_tracked"}));
    tracking(x);
    EXPECT_EQ(tracking.num_batches_tracked.item<std::int64_t>(), 1);
    EXPECT_TRUE(allclose(tracking.running_mean, mean(x, {0, 2, 3}) * 0.5, 1e-5, 1e-6));
    tracking.eval();
    const Tensor y = tracking(x);
    EXPECT_EQ(tracking.num_batches_tracked.item<std::int64_t>(), 1);
    EXPECT_TRUE(allclose(
        y, instance_norm(x, tracking.running_mean, tracking.running_var, {}, {}, {.use_input_stats = false}),
        1e-5, 1e-6));
    EXPECT_THROW(plain(ones({2, 4, 4})), ShapeError);
    EXPECT_THROW(plain(ones({2, 2, 1, 1})), ValueError);
}

TEST(Dropout2d, DropsWholeChannels) {
    manual_seed(4);
    const Dropout2d layer(0.4);
    const Tensor x = ones({50, 20, 3, 2}), y = layer(x);
    const Tensor least = amin(y, {2, 3}), most = amax(y, {2, 3});
    EXPECT_TRUE(equal(least, most)) << "a channel is kept or dropped as a whole";
    for (const double value : most.to_vector<double>())
        EXPECT_TRUE(value == 0 || std::abs(value - 1 / 0.6) < 1e-6);
    EXPECT_NEAR(mean(y).item(), 1, 0.06);
    EXPECT_EQ(layer(ones({20, 3, 2})).shape(), (Shape{20, 3, 2}));
    layer.eval();
    EXPECT_TRUE(equal(layer(x), x));
    EXPECT_THROW(Dropout2d(1.5), ValueError);
    layer.train();
    EXPECT_THROW(layer(ones({3, 2})), ShapeError);
}

TEST(ConvLayers, Print) {
    EXPECT_EQ(to_string(Conv2d(1, 32, 3)), "Conv2d(1, 32, kernel_size=(3, 3), stride=(1, 1))");
    EXPECT_EQ(to_string(Conv2d(4, 8, {3, 1},
                               {.stride = 2, .padding = {1, 0}, .dilation = 2, .groups = 4, .bias = false})),
              "Conv2d(4, 8, kernel_size=(3, 1), stride=(2, 2), padding=(1, 0), dilation=(2, 2), groups=4, "
              "bias=false)");
    EXPECT_EQ(to_string(Conv1d(2, 3, 4)), "Conv1d(2, 3, kernel_size=(4,), stride=(1,))");
    EXPECT_EQ(to_string(ConvTranspose2d(2, 3, 4, {.stride = 2, .output_padding = 1})),
              "ConvTranspose2d(2, 3, kernel_size=(4, 4), stride=(2, 2), output_padding=(1, 1))");
    EXPECT_EQ(to_string(MaxPool2d(2)),
              "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=false)");
    EXPECT_EQ(to_string(MaxPool1d(3, {.stride = 1})),
              "MaxPool1d(kernel_size=3, stride=1, padding=0, dilation=1, ceil_mode=false)");
    EXPECT_EQ(to_string(AvgPool2d({2, 3})), "AvgPool2d(kernel_size=(2, 3), stride=(2, 3), padding=0)");
    EXPECT_EQ(to_string(AdaptiveAvgPool2d(1)), "AdaptiveAvgPool2d(output_size=1)");
    EXPECT_EQ(to_string(LayerNorm(8)), "LayerNorm((8,), eps=1e-05, elementwise_affine=true)");
    EXPECT_EQ(to_string(GroupNorm(2, 8)), "GroupNorm(2, 8, eps=1e-05, affine=true)");
    EXPECT_EQ(to_string(InstanceNorm2d(8)),
              "InstanceNorm2d(8, eps=1e-05, momentum=0.1, affine=false, track_running_stats=false)");
    EXPECT_EQ(to_string(Dropout2d(0.25)), "Dropout2d(p=0.25)");
    EXPECT_EQ(to_string(Upsample({.scale_factor = 2})), "Upsample(scale_factor=2, mode=nearest)");
}

// Rectangles lie or stand; a small network of these layers learns to tell.
TEST(ConvLayers, LearnTogether) {
    manual_seed(5);
    const Sequential model(Conv2d(1, 6, 3, {.padding = 1}), GroupNorm(2, 6), ReLU(), MaxPool2d(2),
                           Conv2d(6, 8, 3), ReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(8, 2));
    const Tensor x = randn({32, 1, 10, 10}) * 0.2, y = zeros({32}, {.dtype = i64});
    for (int n = 0; n < 32; ++n) {
        if (n % 2)
            x(n, 0, slice(4, 6), slice(1, 9)) += 1.0;
        else
            x(n, 0, slice(1, 9), slice(4, 6)) += 1.0;
        y(n) = n % 2;
    }
    optim::Adam optimizer(model.parameters(), {.lr = 0.02});
    double loss = 0;
    for (int step = 0; step < 40; ++step) {
        optimizer.zero_grad();
        const Tensor value = cross_entropy(model(x), y);
        value.backward();
        optimizer.step();
        loss = value.item();
    }
    expect_gradients({model.parameters()[0], model.parameters()[4]});
    EXPECT_LT(loss, 0.1);
    const auto copy = clone(model);
    EXPECT_TRUE(equal(copy(x), model(x)));
}

}  // namespace
}  // namespace adjoint::nn
