// Captured steps: replays against the same steps run eagerly, bit for bit, and what is refused.
#include <gtest/gtest.h>

#include <adjoint/adjoint.h>
#include <adjoint/core/host_memory.h>

using namespace adjoint;

namespace {

// A network with everything that makes a replay hard: random numbers, running statistics, step counts.
struct Trained {
    nn::Linear first{6, 8}, second{8, 3};
    nn::BatchNorm1d norm{8};
    nn::Dropout dropout{0.4};
    nn::Sequential model{first, norm, nn::ReLU(), dropout, second};
    optim::Adam optimizer{model.parameters(), {.lr = 0.01}};
    Tensor x = zeros({5, 6}), y = zeros({5}, {.dtype = i64}), loss;

    void step() {
        optimizer.zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
    }
    void load(int i) const {
        // Rows that differ: BatchNorm makes zeros of equal ones, and dropout of zeros shows nothing.
        x.copy_(sin(reshape(linspace(0, 29, 30), {5, 6}) * (1.0 + i)));
        y.copy_(tensor({0, 1, 2, 1, 0}, {.dtype = i64}));
    }
};

std::vector<double> all_of(const nn::Module& module) {
    std::vector<double> values;
    for (const auto& [name, value] : module.state())
        for (const double v : value.to_vector<double>()) values.push_back(v);
    return values;
}

TEST(Capture, ReplaysEqualEagerStepsBitForBit) {
    manual_seed(3);
    Trained eager;
    std::vector<double> eager_losses;
    for (int i = 0; i < 12; ++i) {
        eager.load(i);
        if (i == 9) eager.optimizer.set_lr(0.002);
        eager.step();
        eager_losses.push_back(eager.loss.item());
    }
    const GeneratorState after = generator_state();

    manual_seed(3);
    Trained replayed;
    std::vector<double> losses;
    for (int i = 0; i < 2; ++i) {
        replayed.load(i);
        replayed.step();
        losses.push_back(replayed.loss.item());
    }
    replayed.load(2);
    const Captured step = capture([&] { replayed.step(); }, {.warmup = 0});
    losses.push_back(replayed.loss.item());
    for (int i = 3; i < 12; ++i) {
        replayed.load(i);
        if (i == 9) replayed.optimizer.set_lr(0.002);
        step.replay();
        losses.push_back(replayed.loss.item());
    }
    EXPECT_EQ(losses, eager_losses);
    EXPECT_EQ(all_of(replayed.model), all_of(eager.model));
    EXPECT_EQ(generator_state(), after);
    for (std::size_t i = 0; i < eager.optimizer.state().size(); ++i)
        EXPECT_EQ(replayed.optimizer.state()[i].second.to_vector<double>(),
                  eager.optimizer.state()[i].second.to_vector<double>())
            << eager.optimizer.state()[i].first;
    EXPECT_GT(step.calls(), 20u);
}

TEST(Capture, WarmUpRunsCountAsSteps) {
    manual_seed(5);
    Trained eager, replayed;
    replayed.model.load(eager.model.state());
    eager.load(1);
    replayed.load(1);
    manual_seed(6);
    for (int i = 0; i < 7; ++i) eager.step();
    manual_seed(6);
    capture([&] { replayed.step(); }, {.warmup = 2}).replay(4);
    EXPECT_EQ(all_of(replayed.model), all_of(eager.model));
}

TEST(Capture, TheRecordingOwnsItsMemory) {
    Trained net;
    net.load(2);
    const Captured step = capture([&] { net.step(); });
    // Tensors made in between must not be given what the recording writes to.
    std::vector<Tensor> others;
    for (int i = 0; i < 200; ++i) others.push_back(full({5, 8}, 7));
    step.replay(3);
    for (const Tensor& other : others) EXPECT_EQ(sum(other).item(), 280);
    const std::int64_t before = host_memory_stats().system_calls;
    step.replay(50);
    EXPECT_EQ(host_memory_stats().system_calls, before);
}

TEST(Capture, ResultsOutliveTheRecording) {
    Tensor x = full({3}, 2), out;
    {
        const Captured step = capture([&] { out = x * x; });
        x.fill_(3);
        step.replay();
    }
    const Tensor other = zeros({3});
    EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{9, 9, 9}));
}

TEST(Capture, RefusesWhatAReplayCannotRepeat) {
    const Tensor x = ones({2});
    Tensor out;
    const auto message = [&](const std::function<void()>& step) -> std::string {
        try {
            capture(step);
        } catch (const CaptureError& error) {
            out = x + x;  // the next computation is none of the capture's
            EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{2, 2}));
            return error.what();
        }
        return "";
    };
    EXPECT_NE(message([&] { out = x * sum(x).item(); }).find("item()"), std::string::npos);
    EXPECT_NE(message([&] { out = x + static_cast<double>(x.data<float>()[0]); }).find("data()"),
              std::string::npos);
    EXPECT_NE(message([&] { capture([&] { out = x + x; }); }).find("not inside a capture"),
              std::string::npos);
    EXPECT_THROW(capture([] {}, {.warmup = -1}), ValueError);
}

}  // namespace
