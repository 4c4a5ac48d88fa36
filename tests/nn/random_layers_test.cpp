// Layers that leave something out at random: DropConnect, StochasticDepth, FractionalMaxPool2d.
#include <cmath>

#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/pooling.h>
#include <adjoint/nn/sequential.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

// The same random numbers at every call, so that differences can be taken.
template <class M> Tensor repeated(const M& layer, const Tensor& x) {
    manual_seed(5);
    return layer(x);
}

TEST(DropConnect, IsLinearInEvaluation) {
    const DropConnect layer(3, 2, 0.5);
    EXPECT_EQ(names(layer.named_parameters()), (std::vector<std::string>{"weight", "bias"}));
    EXPECT_EQ(to_string(layer), "DropConnect(in_features=3, out_features=2, p=0.5, bias=true)");
    const Tensor x = wave({4, 3}).to(f32);
    layer.eval();
    EXPECT_TRUE(equal(layer(x), linear(x, layer.weight, layer.bias)));
    EXPECT_FALSE(DropConnect(3, 2, 0.5, {.bias = false}).bias.defined());
    EXPECT_THROW(DropConnect(3, 2, 1.5), ValueError);
}

TEST(DropConnect, LeavesOutWeightsNotUnits) {
    manual_seed(1);
    const DropConnect layer(100, 50, 0.25, {.bias = false});
    layer.weight.detach().fill_(1);
    // The outputs for unit vectors are the weights that are left.
    const Tensor left = layer(eye(100));
    const std::vector<double> values = left.detach().to_vector<double>();
    int gone = 0;
    for (const double v : values) {
        EXPECT_TRUE(v == 0 || std::abs(v - 4.0 / 3) < 1e-6) << v;
        gone += v == 0;
    }
    EXPECT_NEAR(gone / 5000.0, 0.25, 0.03);
    const Tensor kept = sum(left.detach(), 0);
    EXPECT_GT(amin(kept).item(), 0) << "no unit is lost as a whole";
    EXPECT_LT(amax(kept).item(), 133) << "and none is kept as a whole";
    EXPECT_FALSE(equal(layer(eye(100)), left)) << "drawn anew";
}

TEST(DropConnect, GradientsFollowTheMask) {
    const DropConnect layer(3, 4, 0.4, {.dtype = f64});
    set_waves(layer.parameters());
    expect_gradients(layer, wave({5, 3}), repeated<DropConnect>);
}

TEST(StochasticDepth, KeepsOrDropsWholeSamples) {
    manual_seed(2);
    const StochasticDepth layer(0.2);
    EXPECT_EQ(to_string(layer), "StochasticDepth(p=0.2)");
    EXPECT_TRUE(layer.parameters().empty());
    const Tensor y = layer(ones({2000, 2, 3}));
    const Tensor low = amin(y, {1, 2}), high = amax(y, {1, 2});
    EXPECT_TRUE(equal(low, high)) << "a sample goes as a whole";
    EXPECT_NEAR(mean(eq(low, 0.0).to(f32)).item(), 0.2, 0.03);
    EXPECT_NEAR(amax(y).item(), 1.25, 1e-6);
    layer.eval();
    EXPECT_TRUE(equal(layer(ones({3, 2})), ones({3, 2})));
    EXPECT_THROW(StochasticDepth(-0.1), ValueError);
    EXPECT_THROW(StochasticDepth()(zeros({})), ShapeError);
    expect_gradients(StochasticDepth(0.5), wave({6, 2}), repeated<StochasticDepth>);
}

TEST(FractionalMaxPool2d, WindowsByHand) {
    const FractionalMaxPool2d layer(2, {.output_size = {2, 3}, .samples = tensor({0, 0.9})});
    EXPECT_EQ(to_string(layer), "FractionalMaxPool2d(kernel_size=2, output_size=(2, 3))");
    // Rows begin at 0 and 3; columns at 0, floor(1.9 * 1.5) - floor(0.9 * 1.5) = 1 and 3.
    const Tensor x = reshape(arange(0, 25), {1, 1, 5, 5});
    EXPECT_EQ(layer(x).to_vector<double>(), (std::vector<double>{6, 7, 9, 21, 22, 24}));
    EXPECT_EQ(FractionalMaxPool2d(2, {.output_ratio = 0.5})(zeros({3, 2, 9, 8})).shape(),
              (Shape{3, 2, 4, 4}));
}

TEST(FractionalMaxPool2d, DrawsItsWindows) {
    manual_seed(3);
    const FractionalMaxPool2d layer(2, {.output_ratio = 0.7});
    EXPECT_EQ(to_string(layer), "FractionalMaxPool2d(kernel_size=2, output_ratio=0.7)");
    const Tensor x = reshape(arange(0, 400), {1, 1, 20, 20});
    bool moved = false;
    const Tensor first = layer(x);
    for (int i = 0; i < 20; ++i) moved = moved || !equal(layer(x), first);
    EXPECT_TRUE(moved);
    EXPECT_EQ(amax(first).item(), 399) << "the last window ends with the image";
    EXPECT_TRUE(equal(repeated(layer, x), repeated(layer, x)));
    expect_gradients(layer, wave({1, 2, 5, 6}), repeated<FractionalMaxPool2d>);
}

TEST(FractionalMaxPool2d, RefusesWhatDoesNotFit) {
    EXPECT_THROW(FractionalMaxPool2d(2, {}), ValueError);
    EXPECT_THROW(FractionalMaxPool2d(2, {.output_size = 3, .output_ratio = 0.5}), ValueError);
    EXPECT_THROW(FractionalMaxPool2d(0, {.output_size = 3}), ValueError);
    EXPECT_THROW(fractional_max_pool2d(zeros({1, 1, 4, 4}), 2, {.output_ratio = 1.5}), ValueError);
    EXPECT_THROW(fractional_max_pool2d(zeros({1, 1, 4, 4}), 2, {.output_size = 4}), ShapeError);
    EXPECT_THROW(fractional_max_pool2d(zeros({1, 1, 4, 4}), 5, {.output_size = 1}), ShapeError);
    EXPECT_THROW(fractional_max_pool2d(zeros({1, 1, 4, 4}), 2, {.output_size = 2, .samples = zeros({3})}),
                 ShapeError);
}

}  // namespace
}  // namespace adjoint::nn
