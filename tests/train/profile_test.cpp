// A profile: rows that add up, layers and work that are known, the same bits, and nothing that stays behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include <adjoint/adjoint.h>
#include <adjoint/core/contract/span.h>
#include <adjoint/core/contract/span_session.h>

namespace adjoint {
namespace {

const ProfileRow* find(const Profile& profile, const std::string& operation, const std::string& layer = "") {
    const auto row = std::find_if(profile.rows.begin(), profile.rows.end(), [&](const ProfileRow& r) {
        return r.operation == operation && r.layer == layer;
    });
    return row == profile.rows.end() ? nullptr : &*row;
}

class Training {
  public:
    Training()
        : model(nn::Linear(20, 30), nn::ReLU(), nn::Linear(30, 4)),
          optimizer(model.parameters(), {.lr = 0.1}) {}
    void operator()() {
        optimizer.zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer.step();
    }

    const nn::Sequential model;
    optim::SGD optimizer;
    const Tensor x = randn({8, 20}), y = randint(0, 4, {8});
    Tensor loss;
};

TEST(Profile, RowsAddUpAndNameOperationAndLayer) {
    Training step;
    const Profile found = profile([&] { step(); }, {.warmup = 1, .steps = 4});
    double sum = 0;
    for (const ProfileRow& row : found.rows) {
        EXPECT_GE(row.seconds, 0) << row.operation;
        sum += row.seconds;
    }
    EXPECT_GE(found.unaccounted_seconds, 0);
    EXPECT_NEAR(sum + found.unaccounted_seconds, found.profiled_seconds, 1e-9 * found.profiled_seconds);
    EXPECT_GT(found.step_seconds, 0);

    const ProfileRow* forward = find(found, "linear_relu", "0 (Linear)");
    if (!forward) forward = find(found, "linear", "0 (Linear)");
    ASSERT_NE(forward, nullptr) << found;
    EXPECT_EQ(forward->calls, 1);
    EXPECT_EQ(forward->flops, 2.0 * 8 * 20 * 30);
    EXPECT_EQ(forward->bytes, 4.0 * (8 * 20 + 20 * 30 + 30 + 8 * 30));
    const ProfileRow* backward = find(found, "linear backward", "2 (Linear)");
    ASSERT_NE(backward, nullptr) << found;
    EXPECT_EQ(backward->flops, 2.0 * 2 * 8 * 30 * 4);  // dx and dw
    EXPECT_NE(find(found, "cross_entropy"), nullptr) << found;
    EXPECT_NE(find(found, "update sgd"), nullptr) << found;
    EXPECT_NE(find(found, "(backward pass)"), nullptr) << found;
    EXPECT_NE(to_string(found).find("0 (Linear)"), std::string::npos);
}

// No nanosecond of a step is counted twice or not at all.
TEST(Profile, WhatSpansTakeThemselvesIsTheWholeStep) {
    Training step;
    step();
    detail::SpanSession session(detail::SpanSession::Threads::own);
    session.start();
    {
        const detail::Span whole(detail::SpanKind::part, "(whole)");
        step();
    }
    session.stop();
    std::int64_t sum = 0;
    for (const detail::SpanEvent& e : session.spans())
        if (!e.within) sum += e.self;
    const detail::SpanEvent& whole = session.spans().back();
    ASSERT_EQ(whole.name, "(whole)");
    EXPECT_GT(session.spans().size(), 10u);
    EXPECT_EQ(sum, whole.end - whole.start);
}

TEST(Profile, OfACapturedStepHasItsCallsWithTheLayersTheyWereRecordedIn) {
    Training step;
    const Captured captured = capture([&] { step(); });
    const Profile found = profile([&] { captured.replay(); }, {.warmup = 0, .steps = 3});
    const ProfileRow* forward = find(found, "matmul relu", "0 (Linear)");
    ASSERT_NE(forward, nullptr) << found;
    EXPECT_EQ(forward->flops, 2.0 * 8 * 20 * 30);
    EXPECT_NE(find(found, "linear_backward", "2 (Linear)"), nullptr) << found;
    double calls = 0;
    for (const ProfileRow& row : found.rows)
        if (row.bytes > 0) calls += row.calls;
    EXPECT_EQ(calls, static_cast<double>(captured.calls()));
}

TEST(Profile, OfACompiledModel) {
    const Training step;
    const auto answer = nn::compile(step.model);
    (void)answer(step.x);
    (void)answer(step.x);
    const Profile found = profile([&] { (void)answer(step.x); }, {.warmup = 1, .steps = 2});
    EXPECT_NE(find(found, "matmul relu", "0 (Linear)"), nullptr) << found;
    EXPECT_NE(find(found, "(replay)"), nullptr) << found;
}

TEST(Profile, ChangesNoBit) {
    manual_seed(3);
    Training watched;
    (void)profile([&] { watched(); }, {.warmup = 1, .steps = 2});
    manual_seed(3);
    Training plain;
    for (int i = 0; i < 5; ++i) plain();
    EXPECT_EQ(plain.loss.to_vector<float>(), watched.loss.to_vector<float>());
    EXPECT_EQ(plain.model.parameters()[0].to_vector<float>(),
              watched.model.parameters()[0].to_vector<float>());
}

TEST(Profile, MemoryNamesTheLayerAndIsGivenBack) {
    const nn::Linear layer(1000, 2000);
    const Tensor x = randn({10, 1000});
    const Profile found = profile(
        [&] {
            const NoGrad guard;
            (void)layer(x);
        },
        {.warmup = 0, .steps = 1});
    ASSERT_EQ(found.memory.size(), 2U) << found;  // the layer takes, who has called it gives back
    EXPECT_EQ(found.memory[0].phase, "forward");
    EXPECT_EQ(found.memory[0].layer, "Linear");
    EXPECT_GE(found.memory[0].highest, 10 * 2000 * 4);
    EXPECT_LT(found.memory[0].highest, 2 * 10 * 2000 * 4);
    EXPECT_EQ(found.memory[1].given_back, found.memory[0].taken);
    EXPECT_EQ(found.memory[1].live, 0);
}

TEST(Profile, BackwardMemoryIsTheLayersToo) {
    Training step;
    const Profile found = profile([&] { step(); }, {.warmup = 2, .steps = 2});
    const auto backward = std::find_if(found.memory.begin(), found.memory.end(), [](const ProfileMemory& m) {
        return m.phase == "backward" && m.layer == "0 (Linear)";
    });
    ASSERT_NE(backward, found.memory.end()) << found;
    EXPECT_GE(backward->taken, 20 * 30 * 4);  // the gradient of the weights
}

TEST(Profile, AnErrorInsideLeavesNothingOpen) {
    const nn::Linear layer(3, 2);
    int runs = 0;
    EXPECT_THROW((void)profile(
                     [&] {
                         if (++runs > 2) (void)layer(zeros({1, 4}));
                     },
                     {.warmup = 2, .steps = 1}),
                 ShapeError);
    EXPECT_FALSE(detail::spans_wanted());
    EXPECT_EQ(detail::current_layer(), "");
    EXPECT_EQ(detail::mode, detail::recording);
    const Profile found = profile([&] { (void)layer(zeros({1, 3})); }, {.warmup = 0, .steps = 1});
    EXPECT_NE(find(found, "linear", "Linear"), nullptr) << found;
}

TEST(Profile, TraceIsOneEventForEachSpan) {
    const nn::Linear layer(3, 2);
    const Profile found = profile([&] { (void)layer(zeros({1, 3})); }, {.warmup = 0, .steps = 1});
    EXPECT_NE(found.trace.find("\"name\":\"linear\",\"cat\":\"operation\",\"ph\":\"X\""), std::string::npos)
        << found.trace;
    EXPECT_NE(found.trace.find("\"name\":\"matmul\",\"cat\":\"call\""), std::string::npos) << found.trace;
    EXPECT_NE(found.trace.find("\"name\":\"memory of tensors on cpu\",\"ph\":\"C\""), std::string::npos);
    EXPECT_EQ(std::count(found.trace.begin(), found.trace.end(), '{'),
              std::count(found.trace.begin(), found.trace.end(), '}'));
}

TEST(Profile, CheckpointStillRecomputes) {
    const nn::Linear layer(16, 16);
    const Tensor x = randn({4, 16}, {.requires_grad = true});
    const Profile found =
        profile([&] { sum(checkpoint([&](const Tensor& in) { return relu(layer(in)); }, x)).backward(); },
                {.warmup = 1, .steps = 1});
    const ProfileRow* row = find(found, "checkpoint backward");
    ASSERT_NE(row, nullptr) << found;
}

TEST(Profile, Refusals) {
    EXPECT_THROW((void)profile({}), ValueError);
    EXPECT_THROW((void)profile([] {}, {.steps = 0}), ValueError);
    EXPECT_THROW((void)profile([] {}, {.warmup = -1}), ValueError);
}

}  // namespace
}  // namespace adjoint
