// The backward pass: how gradients meet, are kept, replaced and refused.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/backward/gradcheck_gtest.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

using Numbers = std::vector<double>;

Tensor variable(const Numbers& values) {
    return tensor(values, {static_cast<std::int64_t>(values.size())}).set_requires_grad();
}

Numbers grad_of(const Tensor& x) { return x.grad().to_vector<double>(); }

template <class Error, class F> std::string message_of(F f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    ADD_FAILURE() << "no exception of this kind";
    return "";
}

TEST(Engine, ATensorUsedTwiceAddsItsGradients) {
    const Tensor x = variable({3, -2});
    sum(x * x).backward();
    EXPECT_EQ(grad_of(x), (Numbers{6, -4}));
    const Tensor y = variable({3, -2});
    sum(y + y + y).backward();
    EXPECT_EQ(grad_of(y), (Numbers{3, 3}));
}

TEST(Engine, Diamond) {
    const Tensor x = variable({2});
    const Tensor a = x * 3, b = square(x);
    const Tensor c = a * b;  // 3 x^3
    sum(c + a).backward();   // 9 x^2 + 3
    EXPECT_EQ(grad_of(x), (Numbers{39}));
}

TEST(Engine, UnevenPathsRunEachNodeOnce) {
    const Tensor x = variable({2});
    int runs = 0;
    const Tensor a = x * 5;
    a.register_hook([&](const Tensor&) {
        ++runs;
        return Tensor();
    });
    Tensor far = a;
    for (int i = 0; i < 10; ++i) far = far + 1;
    sum(far * a + a).backward();  // (a + 10) a + a: 2 a + 11 = 31, times 5
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(grad_of(x), (Numbers{155}));
}

TEST(Engine, GradientsAccumulateUntilRemoved) {
    const Tensor x = variable({1, 2});
    sum(x * 2).backward();
    sum(x * 3).backward();
    EXPECT_EQ(grad_of(x), (Numbers{5, 5}));
    x.set_grad({});
    EXPECT_FALSE(x.grad().defined());
    sum(x * 4).backward();
    EXPECT_EQ(grad_of(x), (Numbers{4, 4}));
}

TEST(Engine, TheFirstGradientBelongsToItsLeafAlone) {
    const Tensor x = variable({1, 2}), y = variable({3, 4}), given = tensor(Numbers{1, 1}, {2});
    (x + y).backward(given);  // both receive what backward was given
    EXPECT_NE(x.grad().data<double>(), y.grad().data<double>());
    EXPECT_NE(x.grad().data<double>(), given.data<double>());
    x.grad().fill_(100);
    EXPECT_EQ(grad_of(y), (Numbers{1, 1}));
    EXPECT_EQ(given.to_vector<double>(), (Numbers{1, 1}));
    sum(y).backward();
    EXPECT_EQ(given.to_vector<double>(), (Numbers{1, 1}));
}

TEST(Engine, ARecordedGradientBelongsToItsLeafAlone) {
    const Tensor x = variable({1, 2}), y = variable({3, 4}), given = tensor(Numbers{1, 1}, {2});
    (x + y).backward(given, false, true);
    sum(x).backward();  // adds to x alone
    EXPECT_EQ(grad_of(x), (Numbers{2, 2}));
    EXPECT_EQ(grad_of(y), (Numbers{1, 1}));
    EXPECT_EQ(given.to_vector<double>(), (Numbers{1, 1}));
}

TEST(Engine, AddingToARecordedGradientLeavesItAlone) {
    const Tensor x = variable({2});
    sum(pow(x, 3)).backward({}, false, true);
    const Tensor recorded = x.grad();  // 3 x^2
    sum(x).backward();
    EXPECT_EQ(grad_of(x), (Numbers{13}));
    EXPECT_FALSE(x.grad().requires_grad()) << "the sum has no history to speak of";
    EXPECT_EQ(recorded.item(), 12);
    EXPECT_EQ(grad(sum(recorded), x).item(), 12);
}

TEST(Engine, AnExpandedFirstGradientGetsMemoryOfItsOwn) {
    const Tensor x = variable({1, 2, 3});
    sum(x).backward();
    EXPECT_TRUE(x.grad().is_contiguous());
    sum(x).backward();
    EXPECT_EQ(grad_of(x), (Numbers{2, 2, 2}));
}

TEST(Engine, GradTouchesNobodysGrad) {
    const Tensor x = variable({2}), w = variable({5});
    const Tensor dx = grad(sum(x * w), x);
    EXPECT_EQ(dx.to_vector<double>(), (Numbers{5}));
    EXPECT_FALSE(x.grad().defined());
    EXPECT_FALSE(w.grad().defined());
    EXPECT_FALSE(dx.requires_grad());
}

TEST(Engine, GradOfAnIntermediateResult) {
    const Tensor x = variable({2});
    const Tensor h = square(x);
    EXPECT_EQ(grad(sum(h * 3), h).item(), 3);
    const Tensor both = sum(square(h) + x);
    const std::vector<Tensor> outputs{both}, inputs{h, x};
    const std::vector<Tensor> grads = grad(outputs, inputs);
    EXPECT_EQ(grads[0].item(), 8);
    EXPECT_EQ(grads[1].item(), 33);
}

TEST(Engine, UnusedInputs) {
    const Tensor x = variable({2}), y = variable({3});
    const Tensor z = sum(square(x));
    const std::string text =
        message_of<AutogradError>([&] { grad(z, y, {.grad_outputs = {}, .retain_graph = true}); });
    EXPECT_NE(text.find("allow_unused"), std::string::npos) << text;
    const Tensor g =
        grad(z, y, {.grad_outputs = {}, .retain_graph = true, .create_graph = false, .allow_unused = true});
    EXPECT_FALSE(g.defined());
    EXPECT_EQ(grad(z, x).item(), 4);
    EXPECT_THROW(grad(z, tensor(Numbers{1}, {1})), AutogradError);
}

TEST(Engine, SeveralOutputsAtOnce) {
    const Tensor x = variable({1, 2, 3});
    const std::vector<Tensor> outputs{sum(x), sum(square(x))};
    backward(outputs);
    EXPECT_EQ(grad_of(x), (Numbers{3, 5, 7}));
    const std::vector<Tensor> parts = split(x * 2, 1);
    x.set_grad({});
    parts[1].backward();
    EXPECT_EQ(grad_of(x), (Numbers{0, 2, 0}));
}

TEST(Engine, ThirdOrder) {
    const Tensor x = variable({2});
    const GradOptions record{.grad_outputs = {}, .create_graph = true};
    const Tensor first = grad(sum(pow(x, 4)), x, record);
    const Tensor second = grad(sum(first), x, record);
    const Tensor third = grad(sum(second), x, record);
    const Tensor fourth = grad(sum(third), x);
    EXPECT_NEAR(first.item(), 32, 1e-9);
    EXPECT_NEAR(second.item(), 48, 1e-9);
    EXPECT_NEAR(third.item(), 48, 1e-9);
    EXPECT_NEAR(fourth.item(), 24, 1e-9);
    const Tensor t = variable({0.3});
    Tensor y = sum(tanh(t));
    for (int i = 0; i < 3; ++i) y = sum(grad(y, t, record));
    const double u = std::tanh(0.3), s = 1 - u * u;
    EXPECT_NEAR(y.item(), s * (6 * u * u - 2), 1e-12);
}

TEST(Engine, BackwardThroughAGradient) {
    const Tensor x = variable({1, 2}), w = variable({3, 4});
    const Tensor dx = grad(sum(square(x) * w), x, {.grad_outputs = {}, .create_graph = true});
    sum(square(dx)).backward();  // sum (2 x w)^2: by w 8 x^2 w
    EXPECT_EQ(grad_of(w), (Numbers{24, 128}));
    EXPECT_EQ(grad_of(x), (Numbers{72, 256}));
}

TEST(Engine, CreateGraphAccumulatesRecordedGradients) {
    const Tensor x = variable({3});
    sum(pow(x, 3)).backward({}, false, true);
    EXPECT_TRUE(x.grad().requires_grad());
    const Tensor penalty = square(x.grad());  // (3 x^2)^2: 36 x^3
    EXPECT_NEAR(grad(sum(penalty), x).item(), 972, 1e-9);
    x.set_grad({});
}

TEST(Engine, AHookReplacesTheGradient) {
    const Tensor x = variable({1, 2});
    const Tensor h = x * 2;
    Numbers seen;
    h.register_hook([&](const Tensor& g) {
        seen = g.to_vector<double>();
        return Tensor();
    });
    h.register_hook([](const Tensor& g) { return g * 10; });
    x.register_hook([](const Tensor& g) { return neg(g); });
    sum(h * 3).backward();
    EXPECT_EQ(seen, (Numbers{3, 3}));
    EXPECT_EQ(grad_of(x), (Numbers{-60, -60}));
}

TEST(Engine, AHookMustKeepTheShape) {
    const Tensor x = variable({1, 2});
    x.register_hook([](const Tensor&) { return zeros({3}, {.dtype = f64}); });
    EXPECT_THROW(sum(x * 2).backward(), ShapeError);
    EXPECT_THROW(tensor(Numbers{1}, {1}).register_hook([](const Tensor& g) { return g; }), AutogradError);
}

TEST(Engine, AHookSeesTheWholeGradientOfALeafUsedTwice) {
    const Tensor x = variable({5});
    int runs = 0;
    Numbers seen;
    x.register_hook([&](const Tensor& g) {
        ++runs;
        seen = g.to_vector<double>();
        return Tensor();
    });
    sum(x * 2 + x * 3).backward();
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(seen, (Numbers{5}));
}

TEST(Engine, LeavesAreToldAsTheirGradientsAreComplete) {
    const Tensor first = variable({2}), twice = variable({3}), hooked = variable({1}), apart = variable({7});
    twice.register_hook([](const Tensor& g) { return g * 2; });
    std::vector<std::pair<const TensorImpl*, double>> told;
    int runs_before_hook = -1;
    const Tensor deep = first * twice;
    hooked.register_hook([&](const Tensor& g) {
        runs_before_hook = static_cast<int>(told.size());
        return g + 1;
    });
    const Tensor y = sum(exp(deep) * twice * hooked);
    backward(std::span(&y, 1), {.on_leaf = [&](const Tensor& leaf) {
                 told.emplace_back(&leaf.impl(), leaf.grad().item<double>());
             }});
    const double e = std::exp(6.0);
    ASSERT_EQ(told.size(), 3u);
    EXPECT_EQ(told[0].first, &hooked.impl()) << "before what is deeper was computed";
    EXPECT_EQ(runs_before_hook, 0);
    EXPECT_DOUBLE_EQ(told[0].second, 3 * e + 1);
    for (const auto& [leaf, gradient] : told) {
        if (leaf == &first.impl()) {
            EXPECT_DOUBLE_EQ(gradient, 9 * e);
        }
        if (leaf == &twice.impl()) {
            EXPECT_DOUBLE_EQ(gradient, 2 * (e + 3 * e * 2)) << "whole, and hooked";
        }
    }
    EXPECT_FALSE(apart.grad().defined());
}

TEST(Engine, ALeafBehindAnOutputThatNobodyUsesIsToldAtTheEnd) {
    const Tensor x = variable({1, 2, 3, 4});
    const std::vector<Tensor> halves = split(x * 1, 2, 0);
    const Tensor y = sum(halves[0] * slice(x, 0, 0, 2, 1));
    int told = 0;
    backward(std::span(&y, 1), {.on_leaf = [&](const Tensor&) { ++told; }});
    EXPECT_EQ(told, 1);
    EXPECT_EQ(grad_of(x), (Numbers{2, 4, 0, 0}));
    const Tensor leaf = variable({3});
    backward(std::span(&leaf, 1), {.on_leaf = [&](const Tensor&) { ++told; }});
    EXPECT_EQ(told, 2) << "an output that is a leaf";
}

TEST(Engine, RetainGradKeepsTheGradientOfAResult) {
    const Tensor x = variable({1, 2});
    const Tensor h = x * 2, plain = h + 1;
    h.retain_grad();
    sum(square(plain)).backward();
    EXPECT_EQ(grad_of(h), (Numbers{6, 10}));
    EXPECT_FALSE(plain.grad().defined());
    Tensor gone = x * 4;
    gone.retain_grad();
    const Tensor rest = sum(gone);
    gone = Tensor();
    rest.backward();  // nobody is left to keep it for
    EXPECT_EQ(grad_of(x), (Numbers{16, 24}));
}

TEST(Engine, AGraphIsFreedUnlessRetained) {
    const Tensor x = variable({2});
    const Tensor kept = sum(square(x));
    kept.backward({}, true);
    kept.backward({}, true);
    EXPECT_EQ(grad_of(x), (Numbers{8}));
    const Tensor freed = sum(square(x));
    freed.backward();
    const std::string text = message_of<AutogradError>([&] { freed.backward(); });
    EXPECT_NE(text.find("sum"), std::string::npos) << text;
    EXPECT_NE(text.find("retain_graph"), std::string::npos) << text;
    EXPECT_EQ(grad_of(x), (Numbers{12})) << "a refused pass must add nothing";
}

TEST(Engine, BackwardNeedsAScalarOrAGradient) {
    const Tensor x = variable({1, 2});
    const std::string text = message_of<AutogradError>([&] { (x * 2).backward(); });
    EXPECT_NE(text.find("(2,)"), std::string::npos) << text;
    EXPECT_THROW((x * 2).backward(ones({3}, {.dtype = f64})), ShapeError);
    EXPECT_THROW(ones({}).backward(), AutogradError);
    (x * 2).backward(tensor(Numbers{1, -1}, {2}));
    EXPECT_EQ(grad_of(x), (Numbers{2, -2}));
}

TEST(Engine, BroadcastOperandsReceiveGradientsOfTheirOwnShape) {
    const Options options{.dtype = f64, .requires_grad = true};
    for (const Shape& shape :
         {Shape{}, Shape{1}, Shape{4}, Shape{3, 1}, Shape{1, 4}, Shape{2, 1, 1}, Shape{1, 1, 1, 1}}) {
        const Tensor a = ones(shape, options), b = ones({2, 3, 4}, options);
        const Tensor y = a * b * 2;
        y.backward(ones(y.shape(), {.dtype = f64}));
        EXPECT_EQ(to_string(a.grad().shape()), to_string(shape));
        EXPECT_EQ(to_string(b.grad().shape()), "(2, 3, 4)");
        const double each = 48.0 / static_cast<double>(a.numel());
        EXPECT_EQ(a.grad().to_vector<double>(), Numbers(static_cast<std::size_t>(a.numel()), each));
    }
}

TEST(Engine, AGradientHasTheTypeOfItsTensor) {
    const Tensor narrow = ones({2}, {.dtype = f32, .requires_grad = true});
    const Tensor wide = ones({2}, {.dtype = f64, .requires_grad = true});
    sum(narrow * wide).backward();
    EXPECT_EQ(narrow.grad().dtype(), DType::f32);
    EXPECT_EQ(wide.grad().dtype(), DType::f64);
}

TEST(Engine, DetachAndIntegersCutTheHistory) {
    const Tensor x = variable({2});
    const Tensor y = square(x);
    EXPECT_FALSE(y.detach().requires_grad());
    sum(y * y.detach()).backward();
    EXPECT_EQ(grad_of(x), (Numbers{16}));
    EXPECT_FALSE(x.to(i64).requires_grad());
    EXPECT_FALSE(gt(x, Tensor(0.0)).requires_grad());
    EXPECT_THROW(ones({2}, {.dtype = i64}).set_requires_grad(), DTypeError);
    EXPECT_THROW(y.set_requires_grad(false), AutogradError);
}

TEST(Engine, ZeroSizeTensorsGoThroughBackward) {
    const Tensor x = zeros({0, 3}, {.dtype = f64, .requires_grad = true});
    const Tensor w = ones({3, 2}, {.dtype = f64, .requires_grad = true});
    sum(tanh(matmul(x, w))).backward();
    EXPECT_EQ(to_string(x.grad().shape()), "(0, 3)");
    EXPECT_EQ(w.grad().to_vector<double>(), Numbers(6, 0.0));
}

// A user's function
// -----------------------------------------------------------------------------

struct Cube : Function {
    static constexpr auto name = "cube";
    Saved x;
    Tensor forward(const Tensor& input) {
        x = input;
        return input * input * input;
    }
    Grads backward(const Tensor& g) { return {g * 3 * square(x.get())}; }
};

/// Two outputs from two inputs.
struct SumAndProduct : Function {
    static constexpr auto name = "sum_and_product";
    Saved a, b;
    std::vector<Tensor> forward(const Tensor& x, const Tensor& y) {
        a = x;
        b = y;
        return {x + y, x * y};
    }
    Grads backward(const Grads& g) { return {g[0] + g[1] * b.get(), g[0] + g[1] * a.get()}; }
};

struct WrongCount : Function {
    static constexpr auto name = "wrong_count";
    Tensor forward(const Tensor& x, const Tensor& y) { return x + y; }
    Grads backward(const Tensor& g) { return {g}; }
};

struct WrongShape : Function {
    static constexpr auto name = "wrong_shape";
    Tensor forward(const Tensor& x) { return x * 1; }
    Grads backward(const Tensor&) { return {zeros({5}, {.dtype = f64})}; }
};

TEST(UserFunction, RecordsAndDifferentiatesTwice) {
    const Tensor x = variable({1, -2, 3}), y = variable({0.5, 2, -1});
    EXPECT_GRAD_OK([](const Tensor& a) { return record(Cube{}, a); }, x);
    EXPECT_GRADGRAD_OK([](const Tensor& a) { return record(Cube{}, a); }, x);
    const auto both = [](const std::vector<Tensor>& in) { return record(SumAndProduct{}, in[0], in[1]); };
    EXPECT_TRUE(gradcheck(both, {x, y}).ok) << gradcheck(both, {x, y}).message;
    EXPECT_TRUE(gradgradcheck(both, {x, y}).ok) << gradgradcheck(both, {x, y}).message;
    EXPECT_STREQ(record(Cube{}, x).producer_name(), "cube");
}

TEST(UserFunction, AnUnusedOutputCountsAsZero) {
    const Tensor x = variable({2}), y = variable({5});
    sum(record(SumAndProduct{}, x, y)[1]).backward();
    EXPECT_EQ(grad_of(x), (Numbers{5}));
    EXPECT_EQ(grad_of(y), (Numbers{2}));
}

TEST(UserFunction, MistakesAreNamed) {
    const Tensor x = variable({1, 2});
    const std::string count = message_of<AutogradError>([&] { sum(record(WrongCount{}, x, x)).backward(); });
    EXPECT_NE(count.find("wrong_count returned 1 gradients for 2 inputs"), std::string::npos) << count;
    const std::string shape = message_of<ShapeError>([&] { sum(record(WrongShape{}, x)).backward(); });
    EXPECT_NE(shape.find("wrong_shape"), std::string::npos) << shape;
}

TEST(UserFunction, IsNotRecordedWithoutNeed) {
    const Tensor x = tensor(Numbers{2}, {1});
    EXPECT_FALSE(record(Cube{}, x).requires_grad());
    EXPECT_TRUE(record(Cube{}, x).is_leaf());
}

}  // namespace
}  // namespace adjoint
