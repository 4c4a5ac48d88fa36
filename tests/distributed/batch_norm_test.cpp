// BatchNorm over the samples of all ranks against one process that has them all.
#include <gtest/gtest.h>

#include <vector>

#include <adjoint/autograd/backward/checkpoint.h>
#include <adjoint/autograd/backward/gradcheck.h>
#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/autograd/ops/reduce.h>
#include <adjoint/autograd/ops/shape.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/distributed/parallel/recorded.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/convolution.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/loss.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/sgd.h>
#include <adjoint/train/fit.h>

#include "distributed/ranks.h"

namespace adjoint::distributed {
namespace {

struct Normed : nn::Module {
    const nn::Conv2d first = child("first", nn::Conv2d(2, 5, 3));
    const nn::BatchNorm2d norm = child("norm", nn::BatchNorm2d(5));
    const nn::BatchNorm2d even = child("even", nn::BatchNorm2d(5, {.momentum = std::nullopt}));
    const nn::Conv2d last = child("last", nn::Conv2d(5, 1, 2));
    bool again = false;  // what lies between the convolutions is computed once more in the backward pass
    Tensor operator()(const Tensor& x) const {
        const auto middle = [this](const Tensor& h) { return even(norm(h, Activation::relu)); };
        const Tensor h = first(x);
        return last(again ? checkpoint(middle, h) : middle(h));
    }
};

Normed normed() {
    manual_seed(2);
    Normed net;
    net.to(f64);
    return net;
}

Tensor images() {
    manual_seed(4);
    return randn({9, 2, 5, 5}).to(f64);
}

double error_of(const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); }

void expect_near(const nn::NamedTensors& expected, const nn::NamedTensors& got) {
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_LT(error_of(expected[i].second.to(f64), got[i].second.to(f64)), 1e-12) << expected[i].first;
}

// Ranks of 2, 3 and 4 samples.
TEST(SharedStatistics, AreThoseOfOneProcessWithAllSamples) {
    for (const bool again : {false, true}) {
        const Normed alone = normed();
        const Tensor x = images().set_requires_grad();
        Tensor y;
        for (int step = 0; step < 2; ++step) y = alone(x);
        sum(square(y)).backward();
        run_quick(3, [&](const Group& group) {
            Normed net = normed();
            net.again = again;
            const std::int64_t first[] = {0, 2, 5, 9};
            const std::int64_t at = first[group.rank()], count = first[group.rank() + 1] - at;
            const DataParallel parallel(net, group, {.synchronize_batch_norm = true});
            const Tensor own = narrow(images(), 0, at, count).clone().set_requires_grad();
            Tensor part;
            for (int step = 0; step < 2; ++step) {
                const nn::SharedStatistics statistics = parallel.statistics();
                part = net(own);
            }
            EXPECT_LT(error_of(part, narrow(y, 0, at, count)), 1e-12);
            parallel.backward(sum(square(part)), 1);
            EXPECT_LT(error_of(own.grad(), narrow(x.grad(), 0, at, count)), 1e-12);
            for (std::size_t i = 0; i < net.parameters().size(); ++i)
                EXPECT_LT(error_of(net.parameters()[i].grad(), alone.parameters()[i].grad()), 1e-12) << i;
            expect_near(alone.state(), net.state());

            net.eval();
            const nn::SharedStatistics statistics = parallel.statistics();
            if (group.rank() == 0) {
                EXPECT_LT(error_of(net(own), net(own.clone())), 1e-12) << "others are not asked";
            }
        });
    }
}

TEST(SharedStatistics, OfOneValueOnEachRankAreEnough) {
    run_quick(2, [](const Group& group) {
        const nn::BatchNorm1d norm(3, {.affine = false});
        const DataParallel parallel(norm, group, {.synchronize_batch_norm = true});
        const Tensor x = full({1, 3}, group.rank());
        EXPECT_THROW(norm(x), ValueError) << "alone";
        const nn::SharedStatistics statistics = parallel.statistics();
        EXPECT_NEAR(norm(x).to_vector<double>()[0], group.rank() == 0 ? -1 : 1, 1e-4);
        EXPECT_EQ(norm(x.to(f16)).dtype(), f16);
    });
}

TEST(SharedStatistics, AreAskedForByAnOption) {
    const auto fitted = [](const train::FitOptions& options) {
        manual_seed(1);
        const nn::Sequential net(nn::Linear(4, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 2));
        net.to(f64);
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        manual_seed(3);
        const Tensor x = randn({48, 4}).to(f64);
        train::fit(net, nn::CrossEntropyLoss(), optimizer, {.inputs = x, .targets = (x(all, 0) > 0).to(i64)},
                   options);
        return net.state();
    };
    const nn::NamedTensors expected = fitted({.batch_size = 12, .verbose = false});
    run_quick(2, [&](const Group& group) {
        train::FitOptions options{.batch_size = 6, .verbose = false, .group = group};
        const nn::NamedTensors own = fitted(options);
        options.parallel.synchronize_batch_norm = true;
        expect_near(expected, fitted(options));
        EXPECT_GT(error_of(own[0].second, expected[0].second), 1e-6) << "without it they are other weights";
    });
}

// Each part of a step, the earlier ones too, where the layer computes once more.
TEST(SharedStatistics, OfPartsThatAreComputedTwice) {
    const auto fitted = [](const Group& group, bool again) {
        Normed net = normed();
        net.again = again;
        optim::SGD optimizer(net.parameters(), {.lr = 0.1});
        const data::Dataset set{.inputs = images(), .targets = zeros({9, 1, 2, 2}, {.dtype = f64})};
        train::FitOptions options{.batch_size = 2, .verbose = false, .accumulate = 2, .group = group};
        options.parallel.synchronize_batch_norm = true;
        train::fit(net, nn::MSELoss(), optimizer, set, options);
        return net.state();
    };
    run_quick(2, [&](const Group& group) { expect_near(fitted(group, false), fitted(group, true)); });
}

// A rank whose part is empty is there for the others all the same.
TEST(SharedStatistics, OfARankWithoutSamples) {
    const auto gradients = [](const nn::Sequential& net) {
        std::vector<double> all;
        for (const Tensor& parameter : net.parameters())
            for (const double value : parameter.grad().to_vector<double>()) all.push_back(value);
        return all;
    };
    const auto made = [] {
        manual_seed(2);
        const nn::Sequential net(nn::Linear(3, 4), nn::BatchNorm1d(4), nn::Linear(4, 1));
        net.to(f64);
        return net;
    };
    const Tensor x = randn({5, 3}).to(f64);
    const nn::Sequential alone = made();
    mean(square(alone(x))).backward();
    run_quick(2, [&](const Group& group) {
        const nn::Sequential net = made();
        const DataParallel parallel(net, group, {.synchronize_batch_norm = true});
        const Tensor own = group.rank() == 0 ? x : narrow(x, 0, 0, 0);
        const nn::SharedStatistics shared = parallel.statistics();
        parallel.backward(mean(square(net(own))), group.rank() == 0 ? 1 : 0);
        const std::vector<double> expected = gradients(alone), got = gradients(net);
        for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << i;
        const auto running = net.named_buffers(), of_one = alone.named_buffers();
        for (std::size_t i = 0; i < running.size(); ++i)
            EXPECT_NEAR(running[i].second.to_vector<double>()[0], of_one[i].second.to_vector<double>()[0],
                        1e-12);
    });
}

TEST(RecordedOperations, AreDifferentiable) {
    const Group one;
    const Tensor x = randn({3, 2}).to(f64).set_requires_grad();
    EXPECT_TRUE(
        gradcheck([&](const std::vector<Tensor>& in) { return square(all_gather(one, in[0])); }, {x}));
    run_quick(3, [](const Group& group) {
        const Tensor own = full({2, 1}, group.rank() + 1.0).to(f64).set_requires_grad();
        const Tensor all_rows = all_gather(group, own);
        const Tensor weights = reshape(arange(6), {6, 1}).to(f64) * (group.rank() + 1);
        sum(square(all_rows) * weights).backward();
        // 2 x w, over what all three ranks make of it.
        const double w = 2.0 * group.rank() * (1 + 2 + 3);
        EXPECT_NEAR(own.grad().to_vector<double>()[0], 2 * (group.rank() + 1) * w, 1e-12);
        const Tensor parts = full({3, 1}, 1).to(f64).set_requires_grad();
        sum(reduce_scatter(group, parts) * (group.rank() + 1)).backward();
        EXPECT_EQ(parts.grad().to_vector<double>(), (std::vector<double>{1, 2, 3}));
    });
}

}  // namespace
}  // namespace adjoint::distributed
