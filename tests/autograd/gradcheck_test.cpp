// Tests of gradcheck itself: it passes what is right and names what is wrong.
#include <gtest/gtest.h>

#include <adjoint/autograd/backward/gradcheck_gtest.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

Tensor variable(std::vector<double> values, const Shape& shape) {
    return tensor(values, shape).set_requires_grad();
}

/// y = x^3 whose gradient is wrong by one part in a thousand.
struct WrongCube : Function {
    static constexpr auto name = "wrong_cube";
    Saved x;
    Tensor forward(const Tensor& input) {
        x = input;
        return input * input * input;
    }
    Grads backward(const Tensor& g) { return {g * 3.003 * square(x.get())}; }
};

/// y = x^3 whose gradient is right but treats x as a constant when it is differentiated again.
struct CutCube : Function {
    static constexpr auto name = "cut_cube";
    Saved x;
    Tensor forward(const Tensor& input) {
        x = input;
        return input * input * input;
    }
    Grads backward(const Tensor& g) { return {g * 3 * square(x.get().detach())}; }
};

TEST(Gradcheck, PassesRightDerivatives) {
    const Tensor a = variable({0.5, -1, 2, 0.3, 1.5, -0.7}, {2, 3}), b = variable({1, 2, 3}, {3});
    EXPECT_GRAD_OK([](const Tensor& x, const Tensor& y) { return sin(x) * y / (square(x) + 1); }, a, b);
    EXPECT_GRADGRAD_OK([](const Tensor& x, const Tensor& y) { return sin(x) * y / (square(x) + 1); }, a, b);
    EXPECT_GRADGRAD_OK([](const Tensor& x, const Tensor& y) { return matmul(x, y); }, a, b);
}

TEST(Gradcheck, NamesTheWrongElement) {
    const Tensor x = variable({0, 0, 2}, {3});
    const GradcheckResult result =
        gradcheck([](const std::vector<Tensor>& in) { return record(WrongCube{}, in[0]); }, {x});
    EXPECT_FALSE(result.ok);
    EXPECT_NE(result.message.find("input 0 of shape (3,), element 2 (value 2)"), std::string::npos)
        << result.message;
    EXPECT_NE(result.message.find("got"), std::string::npos);
}

TEST(Gradcheck, SecondOrderNoticesACutHistory) {
    const Tensor x = variable({0.5, 2}, {2});
    const auto f = [](const std::vector<Tensor>& in) { return record(CutCube{}, in[0]); };
    EXPECT_TRUE(gradcheck(f, {x}).ok);
    EXPECT_FALSE(gradgradcheck(f, {x}).ok);
}

TEST(Gradcheck, NoticesAFunctionThatChanges) {
    const Tensor x = variable({0.5, 2}, {2});
    double calls = 0;
    const auto result =
        gradcheck([&](const std::vector<Tensor>& in) { return in[0] * static_cast<double>(++calls); }, {x});
    EXPECT_FALSE(result.ok);
    EXPECT_NE(result.message.find("same bits"), std::string::npos) << result.message;
}

TEST(Gradcheck, RefusesWhatItCannotCheck) {
    const auto f = [](const std::vector<Tensor>& in) { return square(in[0]); };
    try {
        gradcheck(f, {ones({2}, {.requires_grad = true})});
        FAIL() << "f32 was accepted";
    } catch (const DTypeError& e) {
        EXPECT_NE(std::string(e.what()).find("to(f64)"), std::string::npos) << e.what();
    }
    EXPECT_THROW(gradcheck(f, {ones({2}, {.dtype = f64})}), ValueError);
}

TEST(Gradcheck, UnusedInputsHaveNoGradient) {
    const Tensor a = variable({1, 2}, {2}), b = variable({3}, {1});
    EXPECT_GRAD_OK([](const Tensor& x, const Tensor&) { return square(x); }, a, b);
    EXPECT_GRADGRAD_OK([](const Tensor& x, const Tensor&) { return square(x); }, a, b);
}

TEST(Gradcheck, ChecksInputsOfAnyLayout) {
    const Tensor base = variable({1, 2, 3, 4, 5, 6}, {2, 3});
    const auto f = [](const std::vector<Tensor>& in) { return exp(in[0] * 0.2) * in[0]; };
    Tensor view = base(all, Slice{.step = 2}).detach().set_requires_grad();
    EXPECT_FALSE(view.is_contiguous());
    EXPECT_TRUE(gradcheck(f, {view}).ok);
    EXPECT_TRUE(gradgradcheck(f, {view}).ok);
}

}  // namespace
}  // namespace adjoint
