// In-place writes beside a graph: refused, or noticed, never silently wrong.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

using Numbers = std::vector<double>;

Tensor leaf_of(const Numbers& values) {
    return tensor(values, {static_cast<std::int64_t>(values.size())}).set_requires_grad();
}

template <class F> std::string refusal(F f) {
    try {
        f();
    } catch (const AutogradError& e) {
        return e.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
}

TEST(InPlace, AWriteToASavedInputIsNoticed) {
    const Tensor x = leaf_of({1, 2}), w = tensor(Numbers{3, 4}, {2});
    const Tensor y = sum(x * w);
    w.fill_(7);
    const std::string text = refusal([&] { y.backward(); });
    EXPECT_NE(text.find("mul"), std::string::npos) << text;
    EXPECT_NE(text.find("modified in place"), std::string::npos) << text;
    EXPECT_FALSE(x.grad().defined());
}

TEST(InPlace, AWriteToASavedOutputIsNoticed) {
    const Tensor x = leaf_of({1, 2});
    const Tensor h = tanh(x);
    const Tensor y = sum(h);
    {
        const NoGrad guard;
        h.fill_(0);
    }
    const std::string text = refusal([&] { y.backward(); });
    EXPECT_NE(text.find("tanh saved its output"), std::string::npos) << text;
}

TEST(InPlace, AWriteThroughAViewOrADetachedHandleIsNoticed) {
    const Tensor x = leaf_of({1, 2}), w = tensor(Numbers{3, 4}, {2});
    Tensor y = sum(x * w);
    narrow(w, 0, 0, 1).fill_(7);
    refusal([&] { y.backward(); });
    y = sum(square(x));
    x.detach() *= Tensor(2.0);
    refusal([&] { y.backward(); });
    y = sum(x * w);
    w.mutable_data<double>()[0] = 5;
    refusal([&] { y.backward(); });
}

TEST(InPlace, AWriteToWhatWasNotSavedIsFine) {
    const Tensor x = leaf_of({1, 2}), w = tensor(Numbers{3, 4}, {2});
    const Tensor y = sum(x + w);
    w.fill_(7);
    y.backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Numbers{1, 1}));
}

TEST(InPlace, ALeafIsRefusedWhileRecording) {
    const Tensor x = leaf_of({1, 2});
    const std::string text = refusal([&] { x += tensor(Numbers{1, 1}, {2}); });
    EXPECT_NE(text.find("NoGrad"), std::string::npos) << text;
    refusal([&] { x.fill_(0); });
    refusal([&] { x.copy_(tensor(Numbers{1, 1}, {2})); });
    EXPECT_NE(refusal([&] { x(0) = 5.0; }).find("NoGrad"), std::string::npos);
    EXPECT_EQ(x.to_vector<double>(), (Numbers{1, 2})) << "a refused write must write nothing";
    const NoGrad guard;
    x -= tensor(Numbers{1, 1}, {2});
    x(1) = 9.0;
    EXPECT_EQ(x.to_vector<double>(), (Numbers{0, 9}));
}

TEST(InPlace, AViewIsRefusedWhileRecording) {
    const Tensor x = leaf_of({1, 2, 3});
    const Tensor h = x * 2;
    refusal([&] { narrow(h, 0, 0, 2) *= Tensor(3.0); });
    refusal([&] { narrow(h, 0, 0, 1).copy_(narrow(x, 0, 0, 1)); });
    EXPECT_EQ(h.to_vector<double>(), (Numbers{2, 4, 6}));
    const Tensor plain = zeros({3}, {.dtype = f64});
    refusal([&] { narrow(plain, 0, 0, 1).copy_(narrow(x, 0, 0, 1)); });
}

TEST(InPlace, AResultMayBeChangedAndKeepsItsHistory) {
    const Tensor x = leaf_of({1, 2});
    const Tensor h = x * 2;
    h += x;            // 3 x
    h *= Tensor(5.0);  // 15 x
    const Tensor y = square(h);
    sum(y).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Numbers{450, 900}));
    const Tensor k = x * 2;
    k *= k;  // overwrites what its own gradient needs
    refusal([&] { sum(k).backward(); });
}

TEST(InPlace, APlainTensorMayTakeAHistory) {
    const Tensor x = leaf_of({1, 2});
    const Tensor total = zeros({2}, {.dtype = f64});
    total += x * 3;
    total += square(x);
    EXPECT_TRUE(total.requires_grad());
    sum(total).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Numbers{5, 7}));
}

TEST(InPlace, ACopyIsRecorded) {
    const Tensor leaf = leaf_of({1, 2});
    const Tensor y = zeros({2}, {.dtype = f64});
    y.copy_(leaf);
    EXPECT_FALSE(y.is_leaf());
    sum(y * y).backward();
    ASSERT_TRUE(leaf.grad().defined());
    EXPECT_EQ(leaf.grad().to_vector<double>(), (Numbers{2, 4}));
    EXPECT_FALSE(y.grad().defined());

    const Tensor h = leaf * 3, z = zeros({2}, {.dtype = f64}), wide = zeros({2, 2}, {.dtype = f32});
    z.copy_(h);
    int hooked = 0;
    z.register_hook([&](const Tensor& g) {
        ++hooked;
        return g * 10;
    });
    wide.copy_(leaf);
    leaf.set_grad({});
    (sum(z) + sum(h) + sum(wide)).backward();
    EXPECT_EQ(hooked, 1) << "a hook on the copy is none on what was copied";
    EXPECT_EQ(leaf.grad().to_vector<double>(), (Numbers{35, 35}));
    EXPECT_THROW(z.copy_(Tensor()), ValueError);
}

TEST(InPlace, ARetainedGradientIsThatOfTheNewValue) {
    const Tensor x = leaf_of({1, 2});
    Tensor y;
    {
        const Tensor h = x * 2;
        h.retain_grad();
        h *= Tensor(3.0);
        y = sum(square(h));
        y.backward({}, true);
        ASSERT_TRUE(h.grad().defined());
        EXPECT_EQ(h.grad().to_vector<double>(), (Numbers{12, 24}));
    }
    y.backward();  // writes to no tensor that is gone
    EXPECT_EQ(x.grad().to_vector<double>(), (Numbers{144, 288}));
}

TEST(InPlace, VersionsCountWrites) {
    const Tensor x = zeros({2, 3});
    const auto before = x.version();
    x.fill_(1);
    EXPECT_GT(x.version(), before);
    const auto after = x.version();
    t(x).fill_(2);
    EXPECT_GT(x.version(), after) << "a view shares the count of its memory";
    const Tensor copy = x.clone();
    const auto own = x.version();
    copy.fill_(3);
    EXPECT_EQ(x.version(), own);
}

TEST(InPlace, AnExpandedTensorIsRefused) {
    const Tensor x = expand(zeros({1, 3}), {2, 3});
    EXPECT_THROW(x += Tensor(1.0f), ValueError);
    EXPECT_THROW(x.copy_(ones({2, 3})), ValueError);
    EXPECT_THROW(x.fill_(1), ValueError) << "one cell, several elements";
}

TEST(InPlace, OverlappingMemoryIsReadBeforeItIsWritten) {
    const Tensor x = tensor(Numbers{1, 2, 3, 4, 5}, {5});
    narrow(x, 0, 1, 4).copy_(narrow(x, 0, 0, 4));
    EXPECT_EQ(x.to_vector<double>(), (Numbers{1, 1, 2, 3, 4}));
    const Tensor m = tensor(Numbers{1, 2, 3, 4}, {2, 2});
    m.copy_(t(m));
    EXPECT_EQ(m.to_vector<double>(), (Numbers{1, 3, 2, 4}));
    m += t(m);
    EXPECT_EQ(m.to_vector<double>(), (Numbers{2, 5, 5, 8}));
}

TEST(InPlace, ShapeAndTypeMustFit) {
    const Tensor x = zeros({2}), n = zeros({2}, {.dtype = i64});
    EXPECT_THROW(x += zeros({3, 2}), ShapeError);
    EXPECT_THROW(x.copy_(zeros({3})), ShapeError);
    EXPECT_THROW(n += zeros({2}), DTypeError);
    x += n;
    EXPECT_EQ(x.dtype(), DType::f32);
}

TEST(InPlace, AnAccumulatedGradientMayBeWritten) {
    const Tensor x = leaf_of({1, 2});
    sum(square(x)).backward();
    const Tensor held = x.grad();
    x.grad().zero_();
    EXPECT_EQ(held.to_vector<double>(), (Numbers{0, 0}));
    sum(square(x)).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), (Numbers{2, 4}));
}

}  // namespace
}  // namespace adjoint
