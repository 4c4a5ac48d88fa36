// Compiled models: the model's own results, however weights, inputs and threads change.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include <adjoint/adjoint.h>

#include "layer_checks.h"

namespace adjoint::nn {
namespace {

bool same(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && equal(a, b); }

Sequential small_network() {
    manual_seed(5);
    Sequential net(Conv2d(1, 4, 3, {.padding = {1, 1}}), BatchNorm2d(4), ReLU(), MaxPool2d(2), Flatten(),
                   Dropout(0.5), Linear(36, 5));
    net(randn({7, 1, 6, 6}));  // statistics that are not those of the beginning
    return net;
}

Tensor plain(const Sequential& net, const Tensor& x) {
    const NoGrad no_grad;
    const EvaluationMode mode;
    return net(x);
}

TEST(Compiled, GivesTheModelsResultsForEachShape) {
    const Sequential net = small_network();
    const Compiled answer = compile(net);
    for (int round = 0; round < 3; ++round)
        for (const std::int64_t batch : {1, 3, 2}) {
            const Tensor x = randn({batch, 1, 6, 6});
            const Tensor before = x.clone(), y = answer(x);
            EXPECT_TRUE(same(y, plain(net, x))) << batch;
            EXPECT_TRUE(same(x, before));
            EXPECT_FALSE(y.requires_grad());
        }
    ASSERT_EQ(answer.recordings().size(), 3u);
    EXPECT_EQ(answer.recordings()[0].shapes[0], Shape({2, 1, 6, 6}));
    EXPECT_GT(answer.recordings()[0].calls, 2u);
    // At least the convolution's result and what is made of it.
    EXPECT_GE(answer.recordings()[0].peak_bytes, 2u * 2 * 4 * 36 * sizeof(float));
    EXPECT_NE(to_string(answer).find("(3, 1, 6, 6): "), std::string::npos) << to_string(answer);
    EXPECT_TRUE(net.is_training());
}

// Each call begins with what it is given, also the one that records.
TEST(Compiled, AModelMayWriteIntoItsInput) {
    struct Counts : Module {
        Tensor operator()(const Tensor& x) const {
            const Tensor y = x;
            y += 1;
            return y * 1;
        }
    };
    const Compiled answer = compile(Counts());
    const Tensor x = ones({2});
    for (int call = 0; call < 3; ++call) EXPECT_TRUE(same(answer(x), full({2}, 2))) << call;
    EXPECT_TRUE(same(x, ones({2})));
}

TEST(Compiled, ResultsAreTheCallersOwn) {
    const Sequential net = small_network();
    const Compiled answer = compile(net);
    const Tensor x = randn({2, 1, 6, 6});
    const Tensor first = answer(x), kept = first.clone();
    answer(randn({2, 1, 6, 6}));
    EXPECT_TRUE(same(first, kept));
    first.fill_(7);
    EXPECT_TRUE(same(answer(x), kept));
}

TEST(Compiled, SeesEveryWayInWhichWeightsChange) {
    const Sequential net = small_network();
    const Compiled answer = compile(net);
    const Tensor x = randn({4, 1, 6, 6}), labels = tensor<std::int64_t>({0, 1, 2, 3}, {4});
    const auto check = [&](const char* what) {
        EXPECT_TRUE(same(answer(x), plain(net, x))) << what;
        EXPECT_TRUE(same(answer(x), plain(net, x))) << what << ", again";
    };
    check("as made");
    optim::SGD optimizer(net.parameters(), {.lr = 0.1});
    const auto step = [&] {
        optimizer.zero_grad();
        cross_entropy(net(x), labels).backward();
        optimizer.step();
    };
    step();
    check("a step");
    const Captured captured = capture(step);
    check("a capture");
    captured.replay(3);
    check("replays");
    NamedTensors halves = net.state();
    for (auto& [name, value] : halves)
        if (value.dtype() == f32) value = value.detach() * 0.5;
    net.load(halves);
    check("loading");
    net.to(f64);
    EXPECT_TRUE(same(answer(x.to(f64)), plain(net, x.to(f64))));
}

TEST(Compiled, TheOldestRecordingGoes) {
    const Linear fc(3, 2);
    const Compiled answer = compile(fc, {.recordings = 2});
    for (const std::int64_t batch : {1, 2, 1, 3}) answer(ones({batch, 3}));
    ASSERT_EQ(answer.recordings().size(), 2u);
    EXPECT_EQ(answer.recordings()[0].shapes[0], Shape({3, 3}));
    EXPECT_EQ(answer.recordings()[1].shapes[0], Shape({1, 3}));
    EXPECT_THROW(compile(fc, {.recordings = 0}), ValueError);
}

struct Mixed : Module {
    const Linear fc = child("fc", Linear(3, 2));
    std::tuple<Tensor, Tensor> operator()(const Tensor& x, const Tensor& factor) const {
        const Tensor y = fc(x);
        return {y * factor, x};
    }
};

TEST(Compiled, TakesSeveralTensorsAndGivesThem) {
    const Mixed model;
    const Compiled answer = compile(model);
    for (const double factor : {1.0, 2.0}) {
        const Tensor x = randn({4, 3}), f = zeros({4, 1}) + factor;
        const std::vector<Tensor> results = answer(std::vector<Tensor>{x, f});
        ASSERT_EQ(results.size(), 2u);
        EXPECT_TRUE(same(results[0], (model.fc(x) * f).detach()));
        EXPECT_TRUE(same(results[1], x));
        EXPECT_NE(results[1].data<float>(), x.data<float>());
        EXPECT_TRUE(same(answer(x, f), results[0]));
    }
    EXPECT_THROW(answer(ones({4, 3})), ValueError);
    EXPECT_THROW(answer(std::vector<Tensor>{}), ValueError);
    EXPECT_THROW(answer(Tensor(), Tensor()), ValueError);
}

struct Branching : Module {
    Tensor operator()(const Tensor& x) const { return sum(x).item() > 0 ? x * 2 : x * 3; }
};

TEST(Compiled, WhatReadsValuesIsRunAsItIs) {
    std::string heard;
    set_warning_handler([&](const std::string& message) { heard += message; });
    const Compiled answer = compile(Branching());
    for (const double value : {1.0, -1.0, 1.0})
        EXPECT_EQ(answer(full({2}, value)).to_vector<double>()[0], value > 0 ? 2.0 : -3.0);
    set_warning_handler({});
    EXPECT_NE(heard.find("the model is run as it is: item()"), std::string::npos) << heard;
    EXPECT_TRUE(answer.recordings().empty());
}

// The pass before a recording would count twice.
TEST(Compiled, WhatWritesItsBufferIsRunAsItIs) {
    struct Counting : Module {
        const Buffer calls = buffer("calls", zeros({1}));
        Tensor operator()(const Tensor& x) const {
            calls += 1;
            return x * calls;
        }
    };
    std::string heard;
    set_warning_handler([&](const std::string& message) { heard += message; });
    const Counting model;
    const Compiled answer = compile(model);
    for (const double calls : {1.0, 2.0, 3.0}) {
        EXPECT_EQ(answer(full({2}, 2)).to_vector<double>()[0], 2 * calls);
        EXPECT_EQ(model.calls.item(), calls);
    }
    set_warning_handler({});
    EXPECT_NE(heard.find("the model is run as it is: it writes calls"), std::string::npos) << heard;
    EXPECT_TRUE(answer.recordings().empty());
}

TEST(Compiled, AnErrorLeavesItAsItWas) {
    const Sequential net(Embedding(4, 3));
    const Compiled answer = compile(net);
    const Tensor wrong = tensor<std::int64_t>({1, 9}, {2}), right = tensor<std::int64_t>({1, 2}, {2});
    for (int round = 0; round < 2; ++round) {
        EXPECT_THROW(answer(wrong), IndexError);
        EXPECT_TRUE(same(answer(right), plain(net, right)));
    }
    EXPECT_EQ(answer.recordings().size(), 1u);
    const Compiled other = compile(small_network());
    EXPECT_THROW(other(ones({1, 2, 6, 6})), ShapeError);
}

TEST(Compiled, ThreadsMayAskAtOnce) {
    const Sequential net = small_network();
    const Compiled answer = compile(net);
    std::vector<Tensor> xs, expected;
    for (std::int64_t i = 0; i < 8; ++i) {
        xs.push_back(randn({1 + i % 2, 1, 6, 6}));
        expected.push_back(plain(net, xs.back()));
    }
    std::vector<int> wrong(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 40; ++i) {
                const std::size_t k = (i + t) % xs.size();
                wrong[t] += same(answer(xs[k]), expected[k]) ? 0 : 1;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Compiled, MayStandInAStepThatIsCaptured) {
    const Sequential net = small_network();
    const Compiled answer = compile(net);
    const Tensor x = randn({2, 1, 6, 6});
    Tensor y;
    const Captured step = capture([&] { y = answer(x) + 1; });
    x.fill_(0.5);
    step.replay();
    EXPECT_TRUE(same(y, plain(net, x) + 1));
}

}  // namespace
}  // namespace adjoint::nn
