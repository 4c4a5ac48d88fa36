// Hooks of modules: when they run, what they see and change, and how they go.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>

namespace adjoint::nn {
namespace {

TEST(Hooks, SeeInputsResultsAndGradients) {
    manual_seed(1);
    const Sequential net(Linear(3, 4), ReLU(), Linear(4, 2));
    const Tensor x = randn({5, 3}), expected = net(x);
    std::string said;
    std::vector<Tensor> seen;
    const auto& first = net.at<Linear>(0);
    std::vector<HookHandle> handles{
        first.register_forward_pre_hook([&](const Module& layer, const Tensor& input) {
            said += "before " + layer.path() + ", ";
            EXPECT_TRUE(input.is_same(x));
        }),
        first.register_forward_hook([&](const Module& layer, const Tensor& input, const Tensor& output) {
            said += "after " + layer.kind() + ", ";
            EXPECT_TRUE(input.is_same(x));
            seen.push_back(output);
            return Tensor();
        }),
        first.register_backward_hook([&](const Module& layer, const Tensor& g) {
            said += "back " + layer.path();
            seen.push_back(g);
            return Tensor();
        })};
    EXPECT_TRUE(first.has_hooks());
    const Tensor y = net(x);
    EXPECT_TRUE(equal(y, expected));
    EXPECT_EQ(said, "before 0, after Linear, ");
    // Not joined with the ReLU behind it: the result has negative numbers.
    EXPECT_LT(amin(seen[0]).item(), 0);
    sum(y).backward();
    EXPECT_EQ(said, "before 0, after Linear, back 0");
    EXPECT_EQ(seen[1].shape(), (Shape{5, 4}));
    EXPECT_TRUE(equal(sum(seen[1], 0), first.bias.grad()));

    for (HookHandle& handle : handles) handle.remove();
    handles[0].remove();
    EXPECT_FALSE(first.has_hooks());
    EXPECT_TRUE(equal(net(x), expected));
    EXPECT_EQ(said, "before 0, after Linear, back 0");
}

TEST(Hooks, ReplaceResultsAndGradients) {
    const Sequential net{Identity(), Identity()};
    const auto& first = net.at<Identity>(0);
    const auto twice = [](const Module&, const Tensor&, const Tensor& y) { return y * 2; };
    const auto tenfold = [](const Module&, const Tensor& g) { return g * 10; };
    first.register_forward_hook(twice);
    first.register_forward_hook(twice);
    const Tensor x = ones({3}).set_requires_grad(true);
    EXPECT_EQ(net(x).to_vector<double>(), std::vector<double>(3, 4));
    net.at<Identity>(1).register_backward_hook(tenfold);
    (sum(net(x)) + sum(x)).backward();
    EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(3, 41));

    // Of a layer that gives back what it got, the gradient is its own and not that of all who use the input.
    const Identity alone;
    std::optional<double> seen;
    alone.register_backward_hook([&](const Module&, const Tensor& g) {
        seen = g.to_vector<double>()[0];
        return Tensor();
    });
    x.set_grad({});
    (sum(alone(x)) * 3 + sum(x) * 5).backward();
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(x.grad().to_vector<double>()[0], 8);
    const NoGrad guard;
    EXPECT_TRUE(equal(alone(x), x)) << "without gradients there is none to see";
}

TEST(Hooks, OfLayersWithSeveralResultsAndOfOnesOwn) {
    manual_seed(1);
    const LSTM lstm(2, 3);
    lstm.register_forward_hook([](const Module&, const Tensor&, const Tensor& y) { return zeros_like(y); });
    EXPECT_EQ(sum(abs(lstm(randn({4, 1, 2})).output)).item(), 0);
    struct Own : Module {
        const Linear fc = child("fc", Linear(2, 2));
        Tensor operator()(const Tensor& x) const {
            return computed(x, [&] { return tanh(fc(x)); });
        }
    };
    const Own own;
    int calls = 0;
    HookHandle handle = own.register_forward_pre_hook([&](const Module&, const Tensor&) { ++calls; });
    own(ones({1, 2}));
    const Own copy = own, other = clone(own);
    copy(ones({1, 2}));
    other(ones({1, 2}));
    EXPECT_EQ(calls, 2) << "a copy is the same module, a clone another";
}

TEST(Hooks, MayTakeThemselvesAwayAndOutliveTheModule) {
    HookHandle handle;
    int calls = 0;
    {
        const Linear fc(2, 2);
        handle = fc.register_forward_pre_hook([&](const Module&, const Tensor&) {
            ++calls;
            handle.remove();
        });
        fc(ones({1, 2}));
        fc(ones({1, 2}));
        EXPECT_EQ(calls, 1);
        EXPECT_THROW(fc.register_forward_hook({}), ValueError);
        handle = fc.register_forward_pre_hook([](const Module&, const Tensor&) {});
    }
    handle.remove();
}

TEST(Hooks, LeaveErrorsAndTracesAsTheyAre) {
    const Sequential net(Linear(3, 4), ReLU(), Linear(4, 2));
    const auto calls_of = [&] {
        const CallTrace trace;
        net(ones({1, 3}));
        std::string text;
        for (const LayerCall& call : trace.calls()) text += call.path + " " + call.kind + ";";
        return text;
    };
    const auto error_of = [&] {
        try {
            net(ones({1, 7}));
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const std::string calls = calls_of(), error = error_of();
    ASSERT_NE(error, "");
    net.at<Linear>(2).register_forward_hook(
        [](const Module&, const Tensor&, const Tensor&) { return Tensor(); });
    EXPECT_EQ(calls_of(), calls);
    EXPECT_EQ(error_of(), error);
}

}  // namespace
}  // namespace adjoint::nn
