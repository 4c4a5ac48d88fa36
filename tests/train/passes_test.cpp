// Passes over recorded calls: fewer calls, the same bits, in any order that their memory allows.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include <adjoint/adjoint.h>
#include <adjoint/core/capture/recorded_step.h>

#include "../../bench/mnist_rows.h"

namespace adjoint {
namespace {

// Random steps of elementwise functions, views, conversions, reductions and writes in place, on tensors that
// outlive them. Temporaries find each other's memory.
class RandomStep {
  public:
    explicit RandomStep(unsigned seed) : seed_(seed) {
        manual_seed(seed);
        for (const Shape& shape : {Shape{6, 4}, Shape{6, 4}, Shape{6, 4}, Shape{4}, Shape{}, Shape{6, 1}})
            kept_.push_back(randn(shape));
    }

    void operator()() {
        std::mt19937 random(seed_);
        const auto below = [&](std::size_t n) {
            return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
        };
        std::vector<Tensor> pool(kept_.begin(), kept_.end());
        const auto any = [&]() -> Tensor { return pool[below(pool.size())]; };
        const auto whole = [&]() -> Tensor { return expand(any(), {6, 4}); };
        for (int i = 0; i < 25; ++i) {
            switch (below(14)) {
                case 0:
                    pool.push_back(sigmoid(any()));
                    break;
                case 1:
                    pool.push_back(relu(any()));
                    break;
                case 2:
                    pool.push_back(any() * 0.5 + any());
                    break;
                case 3:
                    pool.push_back(whole() * whole());
                    break;
                case 4:
                    pool.push_back(where(gt(whole(), 0.1), whole(), whole()));
                    break;
                case 5:
                    pool.push_back(whole().to(bf16).to(f32));
                    break;
                case 6:
                    pool.push_back(tanh(whole().to(f64)).to(f32));
                    break;
                case 7:
                    pool.push_back(transpose(reshape(whole(), {4, 6}), 0, 1));
                    break;
                case 8:
                    pool.push_back(reshape(square(whole()), {6, 4}));
                    break;
                case 9:
                    pool.push_back(sum(tanh(whole()) * whole(), {1}, true));
                    break;
                case 10:
                    pool.push_back(sum(tanh(whole()) + whole()));
                    break;
                case 11:
                    pool.push_back(mul(full({6, 4}, 1), whole()));
                    break;
                case 12: {
                    const Tensor& x = kept_[below(3)];
                    x.copy_(tanh(whole()));
                    break;
                }
                default:
                    pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(below(pool.size())));
            }
            if (pool.empty()) pool.push_back(kept_[0]);
        }
        result_ = pool.back().clone();
    }

    std::vector<std::vector<double>> values() const {
        std::vector<std::vector<double>> all{result_.to_vector<double>()};
        for (const Tensor& x : kept_) all.push_back(x.to_vector<double>());
        return all;
    }

  private:
    unsigned seed_;
    std::vector<Tensor> kept_;
    Tensor result_;
};

std::vector<std::vector<double>> replayed(unsigned seed, bool optimize, std::size_t& calls) {
    RandomStep step(seed);
    const Captured captured = capture(std::ref(step), {.warmup = 0, .optimize = optimize});
    captured.replay(2);
    calls += captured.calls();
    return step.values();
}

TEST(Passes, RandomStepsKeepTheirBits) {
    std::size_t plain = 0, fewer = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        const auto expected = replayed(seed, false, plain);
        EXPECT_EQ(replayed(seed, true, fewer), expected) << "seed " << seed;
    }
    EXPECT_LT(fewer * 2, plain);
}

TEST(Passes, AConstantIsTheNumberThatMemoryHolds) {
    // Filled in f32, read in f64.
    const Tensor x = tensor({1.1, -3.0}, {.dtype = f64});
    for (const double value : {0.1, 1e300}) {
        Tensor y;
        capture([&] { y = full({2}, value) * x; }).replay();
        EXPECT_TRUE(equal(y, full({2}, value) * x)) << value;
    }
}

TEST(Passes, AnEmptyStepIsRefused) { EXPECT_THROW(capture(std::function<void()>{}), ValueError); }

// A recording that is run in a random order of those that its edges allow.
class ShuffledStep final : public RecordedStep {
  public:
    ShuffledStep(const std::function<void()>& step, bool optimize, unsigned seed) : random_(seed) {
        record(backend(Device::cpu()), Device::cpu(), step, optimize);
    }
    bool was_shuffled() const { return was_shuffled_; }

  private:
    // Memory that is given back goes to the next of its size.
    Ref<Storage> allocate(std::size_t bytes) override {
        std::vector<void*>& free = free_[bytes];
        if (free.empty()) free.push_back(memory_.emplace_back(std::make_unique<char[]>(bytes)).get());
        void* const block = free.back();
        free.pop_back();
        return Storage::borrow(block, bytes, Device::cpu(),
                               [this, block, bytes] { free_[bytes].push_back(block); });
    }
    void run(const Turn& turn) override {
        const std::vector<std::vector<std::size_t>> after = edges();
        std::vector<bool> done(after.size());
        std::vector<std::size_t> order;
        while (order.size() < after.size()) {
            std::vector<std::size_t> ready;
            for (std::size_t i = 0; i < after.size(); ++i)
                if (!done[i] &&
                    std::all_of(after[i].begin(), after[i].end(), [&](std::size_t j) { return done[j]; }))
                    ready.push_back(i);
            order.push_back(ready[random_() % ready.size()]);
            done[order.back()] = true;
        }
        was_shuffled_ = was_shuffled_ || !std::is_sorted(order.begin(), order.end());
        for (const std::size_t i : order) call_one(backend(Device::cpu()), i, turn);
    }

    std::mt19937 random_;
    std::vector<std::unique_ptr<char[]>> memory_;
    std::map<std::size_t, std::vector<void*>> free_;
    bool was_shuffled_ = false;
};

TEST(Passes, AnyOrderThatTheEdgesAllowGivesTheSameBits) {
    for (const bool optimize : {false, true})
        for (unsigned seed = 0; seed < 100; ++seed) {
            std::size_t calls = 0;
            const auto expected = replayed(seed, optimize, calls);
            std::vector<std::vector<double>> values;
            {
                RandomStep step(seed);
                ShuffledStep shuffled(std::ref(step), optimize, seed);
                shuffled.replay(2);
                values = step.values();
                step = RandomStep(seed);  // gives back what the recording holds
            }
            EXPECT_EQ(values, expected) << "seed " << seed;
        }
}

// A training step, the tensors that it works on, and how many calls it is without and with passes.
struct TrainingStep {
    nn::Sequential model;
    std::unique_ptr<optim::Optimizer> optimizer;
    Tensor x, y, loss;

    void run() {
        optimizer->zero_grad();
        loss = cross_entropy(model(x), y);
        loss.backward();
        optimizer->step();
    }
    std::vector<std::vector<double>> values() const {
        std::vector<std::vector<double>> all{loss.to_vector<double>()};
        for (const auto& [name, tensor] : model.state()) all.push_back(tensor.to_vector<double>());
        return all;
    }
};

struct CountedStep {
    const char* name;
    std::size_t plain, fewer;
    std::function<TrainingStep()> make;

    friend void PrintTo(const CountedStep& step, std::ostream* out) { *out << step.name; }
};

CountedStep row(const char* name, std::size_t plain, std::size_t fewer) {
    return {name, plain, fewer, [name] {
                const bench::Row& row =
                    *std::find_if(std::begin(bench::rows), std::end(bench::rows),
                                  [&](const auto& r) { return std::string_view(r.name) == name; });
                const std::int64_t batch = 16;
                TrainingStep step{row.model(), nullptr, {}, randint(0, 10, {batch}), {}};
                step.optimizer = row.optimizer(step.model);
                Shape shape = row.sample;
                shape.insert(0, batch);
                step.x = randn(shape);
                return step;
            }};
}

TrainingStep transformer() {
    TrainingStep step{nn::Sequential(nn::TransformerEncoderLayer(32, 4, {.dim_feedforward = 64}),
                                     nn::Flatten(), nn::Linear(5 * 32, 3)),
                      nullptr,
                      randn({2, 5, 32}),
                      randint(0, 3, {2}),
                      {}};
    step.optimizer = bench::adam(step.model);
    return step;
}

const std::vector<CountedStep>& counted_steps() {
    static const std::vector<CountedStep> all{row("W1", 8, 7),
                                              row("W2", 12, 11),
                                              row("W3", 12, 11),
                                              row("W4", 15, 15),
                                              {"transformer", 46, 45, transformer}};
    return all;
}

// The call of a recorded step that holds the optimizer's.
std::string call_with_update(bool input_wants_gradient, bool looks_at_weight) {
    manual_seed(1);
    const nn::Linear layer(4, 3);
    optim::SGD optimizer(layer.parameters(), {.lr = 0.1});
    const Tensor x = randn({5, 4}), y = randint(0, 3, {5});
    x.set_requires_grad(input_wants_gradient);
    Tensor seen;
    const Captured step = capture([&] {
        optimizer.zero_grad();
        cross_entropy(layer(x), y).backward();
        if (looks_at_weight) seen = sum(layer.weight.detach());
        optimizer.step();
    });
    const std::string text = step.describe();
    const std::size_t at = text.rfind("update"), begin = text.rfind('\n', at) + 1;
    return text.substr(begin + 5, text.find(':', begin) - begin - 5);
}

TEST(JoinedUpdate, IsPartOfTheBackwardPassOfALayerWhoseWeightNobodyReadsAnyMore) {
    EXPECT_EQ(call_with_update(false, false), "linear_backward + update sgd");
    // Its own products read the weight; another call reads it before the update.
    EXPECT_EQ(call_with_update(true, false), "update sgd");
    EXPECT_EQ(call_with_update(false, true), "update sgd");
}

class CountedSteps : public testing::TestWithParam<CountedStep> {};

TEST_P(CountedSteps, HaveTheirNumberOfCallsAndTheirBits) {
    const auto run = [&](bool optimize, std::size_t& calls) {
        manual_seed(3);
        TrainingStep step = GetParam().make();
        const Captured captured = capture([&] { step.run(); }, {.optimize = optimize});
        captured.replay(3);
        calls = captured.calls();
        return step.values();
    };
    std::size_t plain = 0, fewer = 0;
    const auto expected = run(false, plain);
    EXPECT_TRUE(run(true, fewer) == expected);
    EXPECT_EQ(plain, GetParam().plain);
    EXPECT_EQ(fewer, GetParam().fewer);
}

TEST_P(CountedSteps, RunInAnyOrderThatTheEdgesAllow) {
    const auto run = [&](bool shuffled) {
        manual_seed(3);
        TrainingStep step = GetParam().make();
        const auto once = [&] { step.run(); };
        for (int i = 0; i < 2; ++i) once();
        if (!shuffled) {
            capture(once, {.warmup = 0}).replay(3);
            return step.values();
        }
        ShuffledStep recording(once, true, 5);
        recording.replay(3);
        // Others wait for one another from the first to the last.
        EXPECT_TRUE(recording.was_shuffled() || std::string_view(GetParam().name) != "transformer");
        const auto values = step.values();
        step = GetParam().make();  // gives back what the recording holds
        return values;
    };
    EXPECT_TRUE(run(true) == run(false));
}

INSTANTIATE_TEST_SUITE_P(Steps, CountedSteps, testing::ValuesIn(counted_steps()),
                         [](const testing::TestParamInfo<CountedStep>& at) { return at.param.name; });

}  // namespace
}  // namespace adjoint
