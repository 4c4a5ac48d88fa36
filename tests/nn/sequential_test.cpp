// Sequential: what it takes, and the activations that it has done in the pass of the layer before.
#include <adjoint/nn/sequential.h>

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>
#include <string_view>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/autograd/ops/softmax.h>
#include <adjoint/autograd/record/autocast.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/convolution.h>
#include <adjoint/nn/linear.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

TEST(Sequential, TakesLayersFunctionsAndLambdas) {
    manual_seed(7);
    const Linear first(3, 4), second(4, 2);
    const Sequential net(
        first, relu, [](const Tensor& x) { return x * 2.0; }, second, Softmax(1));
    EXPECT_EQ(net.size(), 5U);
    EXPECT_EQ(names(net.named_parameters()),
              (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
    const Tensor x = randn({5, 3});
    EXPECT_TRUE(equal(net(x), softmax(second(relu(first(x)) * 2.0), 1)));
    EXPECT_TRUE(net.at<Linear>(0).weight.is_same(first.weight));
    EXPECT_THROW((void)net.at<Linear>(1), ValueError);
    EXPECT_THROW((void)net[5], IndexError);
    EXPECT_TRUE(Sequential()(x).is_same(x));
    std::vector<Layer> layers;
    for (int i = 0; i < 3; ++i) layers.emplace_back(Linear(3, 3));
    EXPECT_EQ(Sequential(layers).parameters().size(), 6U);
}

// One pass with the bits of two, values and gradients, also where there is a NaN;
// and with the gradients of those.
template <class Layer, class Module>
void expect_activation_within(const Module& layer, const Layer& activation, const char* name,
                              const Shape& shape) {
    const Sequential fused(layer, activation);
    const auto apart = [&](const Tensor& x) { return activation(layer(x)); };
    for (const bool numbers : {true, false}) {
        Tensor x = randn(shape);
        if (!numbers) select(flatten(x), 0, 0).fill_(std::nan(""));
        x.set_requires_grad(true);
        const auto run = [&](const auto& net) {
            const Tensor y = net(x);
            const Tensor loss = sum(y * y);
            const Tensor dx = grad(loss, x, {.retain_graph = true, .create_graph = true});
            return std::vector<Tensor>{dx, grad(sum(dx * dx), layer.weight, {.retain_graph = true}),
                                       grad(loss, layer.weight, {.retain_graph = true}),
                                       grad(loss, layer.bias), y};
        };
        EXPECT_TRUE(std::string_view(fused(x).producer_name()).ends_with(name) || shape.size() == 3)
            << fused(x).producer_name();
        EXPECT_STREQ(apart(x).producer_name(), name);
        const std::vector<Tensor> one = run(fused), two = run(apart);
        for (std::size_t i = 0; i < one.size(); ++i) {
            SCOPED_TRACE(std::string(name) + ": " + std::to_string(i));
            EXPECT_TRUE(equal(isnan(one[i]), isnan(two[i])));
            const Tensor left = where(isnan(one[i]), zeros_like(one[i]), one[i]);
            const Tensor right = where(isnan(two[i]), zeros_like(two[i]), two[i]);
            // Gradients of gradients are put together in another order.
            EXPECT_TRUE(i == 1 ? allclose(left, right, 1e-4, 1e-4 * max(abs(right)).template item<float>())
                               : equal(left, right));
        }
        EXPECT_EQ(any(isnan(one.back())).item<bool>(), !numbers);
    }
}

template <class Module> void expect_activations_within(const Module& layer, const Shape& shape) {
    expect_activation_within(layer, ReLU(), "relu", shape);
    expect_activation_within(layer, GELU(), "gelu", shape);
    expect_activation_within(layer, GELU(GeluForm::tanh), "gelu_tanh", shape);
    expect_activation_within(layer, SiLU(), "silu", shape);
    expect_activation_within(layer, Tanh(), "tanh", shape);
    expect_activation_within(layer, Sigmoid(), "sigmoid", shape);
}

// Functions by name, also those that <cmath> has others beside, are what the modules are, in one
// pass with the layer before.
TEST(Sequential, TakesFunctionsByTheirNames) {
    const Linear fc(4, 4);
    const Tensor x = randn({3, 4});
    x.set_requires_grad();
    const Sequential named(fc, tanh, fc, gelu, fc, sigmoid, relu, silu);
    const Sequential modules(fc, Tanh(), fc, GELU(), fc, Sigmoid(), ReLU(), SiLU());
    EXPECT_TRUE(equal(named(x), modules(x)));
    EXPECT_EQ(named.size(), 8u);
    EXPECT_STREQ(Sequential(fc, tanh)(x).producer_name(), "linear_tanh");
    EXPECT_STREQ(Sequential(fc, gelu)(x).producer_name(), "linear_gelu");
    EXPECT_STREQ(Sequential(fc, relu)(x).producer_name(), "linear_relu");
    EXPECT_TRUE(equal(Sequential(abs, fc)(x), fc(abs(x))));
    std::ostringstream out;
    out << modules;
    EXPECT_EQ(out.str(), to_string(modules));
    EXPECT_EQ(modules[1].kind(), "Tanh");
}

TEST(Sequential, DoesActivationsInThePassOfTheLayerBefore) {
    manual_seed(8);
    expect_activations_within(Linear(7, 33), {5, 7});
    expect_activations_within(Linear(3, 2), {2, 4, 3});
    expect_activations_within(Conv2d(3, 33, 3, {.padding = 1}), {2, 3, 6, 7});
    expect_activations_within(Conv2d(2, 5, 2, {.stride = 2}), {1, 2, 7, 6});
    expect_activations_within(Conv2d(16, 20, 3, {.padding = 1}), {8, 16, 8, 8});  // large enough for Winograd
    expect_activations_within(Conv1d(4, 3, 3), {2, 4, 9});
    expect_activations_within(BatchNorm1d(7), {5, 7});
    expect_activations_within(BatchNorm2d(3), {2, 3, 4, 5});
    // Functions are activations as well.
    const Linear plain(3, 2);
    const Tensor u = randn({4, 3}, {.requires_grad = true});
    for (const auto function : {relu, silu, static_cast<Tensor (*)(const Tensor&)>(tanh), sigmoid}) {
        const Sequential within(plain, function);
        EXPECT_TRUE(std::string_view(within(u).producer_name()).starts_with("linear_"));
        EXPECT_TRUE(equal(within(u), function(plain(u))));
    }
    EXPECT_STREQ(Sequential(plain, hardswish)(u).producer_name(), "hardswish");
    // A recorded pass under Autocast makes anew what the forward pass outside of it
    // had; the name outlives it.
    const Tensor y = plain(u, Activation::gelu), separate = gelu(plain(u));
    {
        const Autocast lower(bf16);
        EXPECT_TRUE(equal(grad(sum(y), plain.bias, {.create_graph = true}),
                          grad(sum(separate), plain.bias, {.create_graph = true})));
    }
    const Tensor once = plain(u, Activation::silu);
    sum(once).backward();
    EXPECT_STREQ(once.producer_name(), "linear_silu");
    EXPECT_THROW(linear(u, plain.weight, {}, {.then = static_cast<Activation>(77)}), ValueError);
    const Layer alone{ReLU()};
    EXPECT_THROW(alone(u, Activation::relu), ValueError);
    // A layer made from another one computes what it says itself.
    struct Doubled : Linear {
        using Linear::Linear;
        Tensor operator()(const Tensor& z) const { return Linear::operator()(z) * -2.0; }
    };
    const Doubled doubled(3, 2);
    const Tensor z = randn({4, 3});
    EXPECT_TRUE(equal(Sequential(doubled, ReLU())(z), relu(doubled(z))));
    // f16 rounds 1e-8 to 0, where relu has no slope.
    const Conv2d narrow(1, 1, 1, {.bias = false, .dtype = f16});
    narrow.weight.detach().fill_(1e-4);
    const Tensor tiny = full({1, 1, 2, 2}, 1e-4, {.dtype = f16, .requires_grad = true});
    EXPECT_EQ(sum(grad(sum(Sequential(narrow, ReLU())(tiny)), tiny)).to(f32).item(), 0);
    // What comes last, comes before something else, or is a ReLU itself.
    const Sequential net(ReLU(), ReLU(), Linear(3, 3), Tanh(), Linear(3, 2));
    const Linear &first = net.at<Linear>(2), &last = net.at<Linear>(4);
    const Tensor x = randn({4, 3});
    EXPECT_TRUE(equal(net(x), last(tanh(first(relu(x))))));
}

}  // namespace
}  // namespace adjoint::nn
