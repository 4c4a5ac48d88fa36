// Captured steps on a device that makes most calls of others:
// their working memory is taken anew in each replay.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include <adjoint/adjoint.h>

#include "count.h"
#include "toy_device.h"

namespace adjoint {
namespace {

using Numbers = std::vector<std::vector<double>>;

// A step of compositions: convolution, batch norm, pooling, dropout, softmax, the loss, and their gradients.
struct Net {
    nn::Sequential model{nn::Conv2d(2, 3, 3, {.padding = 1}),
                         nn::BatchNorm2d(3),
                         nn::ReLU(),
                         nn::MaxPool2d(2),
                         nn::Flatten(),
                         nn::Dropout(0.3),
                         nn::Linear(12, 4)};
    std::unique_ptr<optim::Adam> optimizer;
    Tensor x, y, loss, shares;

    Net() {
        model.to(toy_device());
        optimizer = std::make_unique<optim::Adam>(model.parameters());
        x = zeros({5, 2, 4, 4}, {.device = toy_device()});
        y = tensor({0, 3, 2, 1, -100}, {.dtype = i64}).to(toy_device());
    }
    void load(int i) const {
        x.copy_(sin(reshape(linspace(0, 159, 160, {.device = toy_device()}), x.shape()) * (1.0 + i)));
    }
    void step() {
        optimizer->zero_grad();
        const Tensor scores = model(x);
        shares = softmax(scores, 1).detach();
        loss = cross_entropy(scores, y) + sum(square(layer_norm(scores, {4}))) * 0.01;
        loss.backward();
        optimizer->step();
    }
};

constexpr int steps = 8, recorded = 2;

Numbers train(bool captures) {
    manual_seed(4);
    Net net;
    std::optional<Captured> step;
    std::vector<Tensor> others;
    Numbers seen;
    for (int i = 0; i < steps; ++i) {
        net.load(i);
        if (!captures || i < recorded)
            net.step();
        else if (i == recorded)
            step = capture([&] { net.step(); }, {.device = toy_device(), .warmup = 0});
        else
            step->replay();
        seen.push_back(net.loss.detach().to_vector<double>());
        seen.push_back(net.shares.to_vector<double>());
        // Tensors of all sizes, which find the memory that the step's compositions gave back.
        for (std::int64_t n = 1; n <= 4096; n *= 2)
            for (int k = 0; k < 3; ++k) others.push_back(full({n}, i + 1, {.device = toy_device()}));
        const std::size_t each = others.size() / static_cast<std::size_t>(i + 1);
        for (std::size_t k = 0; k < others.size(); ++k)
            EXPECT_TRUE(equal(others[k], full_like(others[k], static_cast<double>(k / each + 1))));
    }
    for (const auto& [name, value] : net.model.state()) seen.push_back(value.to_vector<double>());
    for (const auto& [name, value] : net.optimizer->state()) seen.push_back(value.to_vector<double>());
    return seen;
}

TEST(ToyCapture, ReplaysOfCompositionsAreTheEagerStepsAndHarmNobody) {
    const Numbers eager = train(false), replayed = train(true);
    EXPECT_EQ(eager, replayed);
    EXPECT_EQ(toy_memory().stray_writes, 0);
    for (const std::vector<double>& values : eager)
        for (const double value : values) ASSERT_TRUE(std::isfinite(value));
}

TEST(ToyCapture, TheListHoldsTheVerbsAndNotWhatTheyAreMadeOf) {
    const Tensor x = ones({3, 4}, {.device = toy_device()});
    Tensor y;
    const Captured step = capture([&] { y = softmax(x, 1); }, {.device = toy_device()});
    EXPECT_EQ(step.calls(), 1u);
    EXPECT_EQ(count(step.describe(), "softmax"), 1);
}

// A composition is one call there too, with the time of what it is made of.
TEST(ToyCapture, AProfileSeesTheCallsOfTheDevice) {
    Net net;
    net.load(0);
    net.step();
    const auto calls_of = [](const Profile& found, const std::string& operation, const std::string& layer) {
        for (const ProfileRow& row : found.rows)
            if (row.operation == operation && row.layer == layer) return row.calls;
        return 0.0;
    };
    const Profile eager = profile([&] { net.step(); }, {.warmup = 0, .steps = 2});
    EXPECT_EQ(calls_of(eager, "convolution", "0 (Conv2d)"), 1) << eager;
    EXPECT_EQ(calls_of(eager, "linear backward", "6 (Linear)"), 1) << eager;
    EXPECT_EQ(calls_of(eager, "unfold", "0 (Conv2d)"), 0) << eager;
    EXPECT_GT(std::count_if(eager.memory.begin(), eager.memory.end(),
                            [](const ProfileMemory& m) { return m.layer == "3 (MaxPool2d)"; }),
              0)
        << eager;

    const Captured step = capture([&] { net.step(); }, {.device = toy_device(), .warmup = 0});
    const Profile replayed = profile([&] { step.replay(); }, {.warmup = 0, .steps = 2});
    EXPECT_EQ(calls_of(replayed, "convolution", "0 (Conv2d)"), 1) << replayed;
    double calls = 0;
    for (const ProfileRow& row : replayed.rows)
        if (row.bytes > 0) calls += row.calls;
    EXPECT_EQ(calls, static_cast<double>(step.calls())) << replayed;
}

TEST(ToyCapture, MaskedAttentionIsRecorded) {
    manual_seed(7);
    const Tensor x = randn({2, 5, 4}, {.device = toy_device()});
    const Tensor open = (ones({5, 5}) - eye(5)).to(toy_device());
    for (const AttentionOptions& options :
         {AttentionOptions{.is_causal = true}, AttentionOptions{.attn_mask = open > 0},
          AttentionOptions{.attn_mask = log(open)},
          AttentionOptions{.attn_mask = open > 0, .is_causal = true}}) {
        const Tensor at_once = scaled_dot_product_attention(x, x, x, options);
        Tensor again;
        const Captured step = capture([&] { again = scaled_dot_product_attention(x, x, x, options); },
                                      {.device = toy_device()});
        step.replay();
        EXPECT_EQ(again.to_vector<float>(), at_once.to_vector<float>());
    }
}

TEST(ToyCapture, ReplaysTakeNoMemoryAndARecordingGivesItsBack) {
    const std::int64_t before = toy_memory().held;
    {
        Net net;
        net.load(1);
        const Captured step = capture([&] { net.step(); }, {.device = toy_device()});
        const std::int64_t held = toy_memory().held;
        step.replay(20);
        EXPECT_EQ(toy_memory().held, held);
    }
    EXPECT_EQ(toy_memory().held, before);
}

// A tensor's memory is cut for smaller ones when it is gone, and put together again.
TEST(ToyCapture, MemoryGivenBackIsCutAnew) {
    const std::int64_t before = toy_memory().held;
    constexpr std::int64_t whole = 4096, half = whole / 2;
    const auto of = [](std::int64_t bytes) { return empty({bytes}, {.dtype = u8, .device = toy_device()}); };
    std::int64_t during = 0;
    const Captured step = capture(
        [&] {
            of(whole);
            for (const bool first_goes_first : {true, false}) {
                Tensor a = of(half), b = of(half);
                (first_goes_first ? a : b) = {};
                (first_goes_first ? b : a) = {};
                of(whole);
            }
            during = toy_memory().held;
        },
        {.device = toy_device(), .warmup = 0});
    EXPECT_EQ(during - before, whole);
    EXPECT_EQ(step.peak_bytes(), static_cast<std::size_t>(whole));
}

TEST(ToyCapture, WhatIsHeldLivesAsLongAsTheRecording) {
    std::weak_ptr<const int> seen;
    {
        const Captured step = capture(
            [&] {
                const auto held = std::make_shared<const int>(1);
                seen = held;
                hold_for_replays(held);
            },
            {.device = toy_device(), .warmup = 0});
        EXPECT_FALSE(seen.expired());
    }
    EXPECT_TRUE(seen.expired());
    const auto other = std::make_shared<const int>(2);
    hold_for_replays(other);
    EXPECT_EQ(other.use_count(), 1);
}

}  // namespace
}  // namespace adjoint
