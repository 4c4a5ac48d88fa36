// The modes of recording: off for a scope, per thread, and the search for the first NaN.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <adjoint/autograd/backward/engine.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/linalg.h>
#include <adjoint/autograd/ops/loss.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

namespace adjoint {
namespace {

TEST(GradMode, NothingIsRecordedUnderNoGrad) {
    const Tensor x = ones({2}, {.requires_grad = true});
    {
        const NoGrad guard;
        EXPECT_FALSE(grad_enabled());
        EXPECT_FALSE((x * 2).requires_grad());
        {
            const GradMode inner(true);
            EXPECT_TRUE((x * 2).requires_grad());
        }
        EXPECT_FALSE((x * 2).requires_grad());
    }
    EXPECT_TRUE((x * 2).requires_grad());
}

TEST(GradMode, RestoredAfterAnException) {
    try {
        const NoGrad guard;
        throw std::runtime_error("on the way");
    } catch (const std::runtime_error&) {
    }
    EXPECT_TRUE(grad_enabled());
    const Tensor x = ones({2, 3}, {.requires_grad = true});
    EXPECT_THROW(matmul(x, x), ShapeError);  // fails inside the guarded forward pass
    EXPECT_TRUE(grad_enabled());
}

struct Throws : Function {
    static constexpr auto name = "throws";
    Tensor forward(const Tensor& x) { return x * 1; }
    Grads backward(const Tensor&) { throw std::runtime_error("in backward"); }
};

TEST(GradMode, RestoredAfterAnExceptionInBackward) {
    const Tensor x = ones({2}, {.requires_grad = true});
    const Tensor y = sum(record(Throws{}, x));
    EXPECT_THROW(y.backward(), std::runtime_error);
    EXPECT_TRUE(grad_enabled());
    EXPECT_EQ(running_node(), nullptr);
    sum(x * 2).backward();
    EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 2}));
}

TEST(GradMode, EachThreadHasItsOwn) {
    const NoGrad guard;
    bool other = false;
    std::thread([&] { other = grad_enabled(); }).join();
    EXPECT_TRUE(other);
    EXPECT_FALSE(grad_enabled());
    std::thread([] { set_grad_enabled(false); }).join();
    set_grad_enabled(true);
    EXPECT_TRUE(grad_enabled());
    set_grad_enabled(false);
}

// A small network trained for some steps, and its last loss.
double train(int seed) {
    const auto numbers = [seed](const Shape& shape, double phase) {
        return sin(arange(0, static_cast<double>(shape.numel()), 1, {.dtype = f64}) * (1.7 + phase) + seed);
    };
    const Tensor x = reshape(numbers({8 * 3}, 0), {8, 3}), target = reshape(numbers({8 * 2}, 1), {8, 2});
    const Tensor w1 = reshape(numbers({3 * 5}, 2), {3, 5}).set_requires_grad();
    const Tensor w2 = reshape(numbers({5 * 2}, 3), {5, 2}).set_requires_grad();
    double last = 0;
    for (int step = 0; step < 60; ++step) {
        const Tensor loss = mse_loss(matmul(tanh(matmul(x, w1)), w2), target);
        last = loss.item();
        loss.backward();
        const NoGrad guard;
        for (const Tensor& w : {w1, w2}) {
            w -= w.grad() * 0.1;
            w.set_grad({});
        }
    }
    return last;
}

TEST(Threads, EightTrainTheirOwnModels) {
    std::vector<double> alone, together(8);
    for (int i = 0; i < 8; ++i) alone.push_back(train(i));
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&together, i] { together[static_cast<std::size_t>(i)] = train(i); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(alone, together);
    EXPECT_NE(alone[0], alone[1]);
}

TEST(Threads, GraphsMayBeDroppedElsewhere) {
    const Tensor x = ones({4}, {.requires_grad = true});
    Tensor y = x;
    for (int i = 0; i < 10'000; ++i) y = y * 1.0001;
    std::thread([moved = std::move(y)]() mutable { moved = Tensor(); }).join();
    sum(x * 2).backward();
    EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(4, 2.0f));
}

TEST(Threads, AGraphBuiltHereRunsBackwardThere) {
    const Tensor x = ones({4}, {.dtype = f64, .requires_grad = true});
    const Tensor y = sum(square(x));
    std::thread([&] { y.backward(); }).join();
    EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(4, 2.0));
}

std::string anomaly(const std::function<void()>& f) {
    const AnomalyMode mode;
    try {
        f();
    } catch (const AutogradError& e) {
        return e.what();
    }
    return "";
}

TEST(Anomaly, NamesTheForwardOperation) {
    const Tensor x = tensor({1, 0, -1}).set_requires_grad();
    const std::string text = anomaly([&] { sum(exp(log(x))).backward(); });
    EXPECT_EQ(text,
              "anomaly: log gave -Inf at (1,) of a result of shape (3,); not finite are 2 of 3 elements");
    EXPECT_FALSE(anomaly_enabled());
}

TEST(Anomaly, NamesTheFunctionWhoseGradientIsInfinite) {
    const Tensor x = tensor({4, 0}).set_requires_grad();
    const std::string text =
        anomaly([&] { sum(sqrt(x) * 2).backward(); });  // the value is finite, the slope not
    EXPECT_EQ(
        text,
        "anomaly: the backward pass of sqrt gave Inf at (1,) of the gradient of its input 0, of shape (2,); "
        "not finite are 1 of 2 elements");
}

TEST(Anomaly, SaysWhichInputAndWhichElement) {
    const Tensor x = ones({2, 3}).set_requires_grad(), y = tensor({{1, 1, 1}, {1, 1, 0}}).set_requires_grad();
    const std::string text = anomaly([&] { sum(x / y).backward(); });
    EXPECT_NE(text.find("div gave Inf at (1, 2) of a result of shape (2, 3)"), std::string::npos) << text;
    const Tensor large = full({2}, 1e30).set_requires_grad(), small = full({2}, 1e-20).set_requires_grad();
    const std::string slope = anomaly([&] { (large * small).backward(full({2}, 1e30)); });
    EXPECT_NE(slope.find("the backward pass of mul gave Inf at (0,) of the gradient of its input 1"),
              std::string::npos)
        << slope;
    const std::string given = anomaly([&] { (x * 2).backward(full({2, 3}, NAN)); });
    EXPECT_NE(given.find("backward gave NaN at (0, 0)"), std::string::npos) << given;
}

TEST(Anomaly, IsSilentOnFiniteNumbersAndWhenOff) {
    const Tensor x = tensor({1, 2}).set_requires_grad();
    EXPECT_EQ(anomaly([&] { sum(exp(log(x))).backward(); }), "");
    const Tensor y = tensor({-1, 0}).set_requires_grad();
    EXPECT_NO_THROW(sum(log(y)).backward());
}

}  // namespace
}  // namespace adjoint
