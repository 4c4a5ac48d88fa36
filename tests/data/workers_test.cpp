// Workers: the same batches for any number of them, their errors, and their end.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/loader.h>

#include "source_examples.h"

namespace adjoint::data {
namespace {

// Adds noise that it draws, and lets some batches take longer than those behind them.
struct Noisy : Multiples {
    Noisy() : Multiples(50) {}
    Batch get(std::span<const std::int64_t> samples) const override {
        Batch batch = Multiples::get(samples);
        if (samples[0] % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        batch.x = batch.x + randn(batch.x.shape());
        return batch;
    }
};

TEST(Workers, NeitherOrderNorBitsDependOnTheirNumber) {
    const auto epochs = [](int workers, std::int64_t prefetch) {
        manual_seed(static_cast<std::uint64_t>(workers) + 7);  // the program's own numbers have no part in it
        LoaderOptions options{.batch_size = 4, .seed = 3, .workers = workers, .prefetch = prefetch};
        options.transform = [](const Batch& batch) { return Batch{batch.x * rand({1}), batch.y}; };
        Loader loader(Noisy(), options);
        std::vector<double> all = contents(loader);
        const std::vector<double> second = contents(loader);
        EXPECT_NE(all, second);
        all.insert(all.end(), second.begin(), second.end());
        return all;
    };
    const std::vector<double> expected = epochs(0, 0);
    for (const int workers : {1, 2, 3, 8})
        for (const std::int64_t prefetch : {0, 1, 5}) EXPECT_EQ(epochs(workers, prefetch), expected);
}

TEST(Workers, LeaveTheProgramsOwnNumbersAlone) {
    for (const int workers : {0, 2}) {
        manual_seed(4);
        Loader loader(Noisy(), {.batch_size = 4, .workers = workers});
        contents(loader);
        EXPECT_EQ(generator_state(), (GeneratorState{4, 0}));
    }
}

TEST(Workers, GoOnFromAState) {
    const LoaderOptions options{.batch_size = 4, .seed = 1, .workers = 2};
    Loader whole(Noisy(), options), left(Noisy(), options), resumed(Noisy(), options);
    contents(whole);
    const std::vector<double> expected = contents(whole);
    int seen = 0;
    contents(left);
    for ([[maybe_unused]] const Batch& batch : left)
        if (++seen == 5) break;
    EXPECT_EQ(left.state(), (LoaderState{1, 5})) << "what waits has not been taken";
    resumed.set_state(left.state());
    const std::vector<double> rest = contents(resumed);
    EXPECT_EQ(std::vector<double>(rest.begin(), rest.begin() + 60),
              std::vector<double>(expected.begin() + 40, expected.begin() + 100));
}

struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

TEST(Workers, ErrorsReachTheCallerWithTheirType) {
    struct Broken : Multiples {
        Broken() : Multiples(40) {}
        Batch get(std::span<const std::int64_t> samples) const override {
            if (samples[0] == 12 && faults->fetch_add(1) == 0) throw Fault("sample 12 is unreadable");
            return Multiples::get(samples);
        }
        std::shared_ptr<std::atomic<int>> faults = std::make_shared<std::atomic<int>>(0);
    };
    for (const int workers : {0, 1, 3}) {
        Loader loader(Broken(), {.batch_size = 4, .shuffle = false, .workers = workers});
        Batch batch;
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(loader.next(batch));
        EXPECT_THROW(loader.next(batch), Fault);
        EXPECT_EQ(loader.state().next_batch, 3);
        // It may go better the next time.
        ASSERT_TRUE(loader.next(batch));
        EXPECT_EQ(batch.y.to_vector<int>()[0], 12);
    }
}

// Counts who is in get(), and lets nobody out while it is closed.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    int inside = 0, calls = 0;
    bool open = true;
};
struct Guarded : Multiples {
    explicit Guarded(Gate& where) : Multiples(1000), gate(&where) {}
    Batch get(std::span<const std::int64_t> samples) const override {
        std::unique_lock lock(gate->mutex);
        ++gate->inside;
        ++gate->calls;
        gate->changed.notify_all();
        gate->changed.wait(lock, [&] { return gate->open; });
        --gate->inside;
        lock.unlock();
        return Multiples::get(samples);
    }
    Gate* gate;
};

TEST(Workers, StopWhenTheLoopIsLeft) {
    Gate gate;
    Loader loader(Guarded(gate), {.batch_size = 2, .workers = 3, .prefetch = 4});
    for ([[maybe_unused]] const Batch& batch : loader) break;
    const auto calls = [&] {
        const std::scoped_lock lock(gate.mutex);
        EXPECT_EQ(gate.inside, 0);
        return gate.calls;
    };
    const int then = calls();
    EXPECT_LE(then, 1 + 4 + 1) << "one taken, four that wait, and room for one more";
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(calls(), then) << "nobody works any more";
}

TEST(Workers, MakeBatchesAheadAndAtOnce) {
    Gate gate;
    gate.open = false;
    Loader loader(Guarded(gate), {.batch_size = 2, .workers = 3});
    std::thread opener([&] {
        std::unique_lock lock(gate.mutex);
        gate.changed.wait(lock, [&] { return gate.inside == 3; });  // three at once, or this test hangs
        gate.open = true;
        gate.changed.notify_all();
    });
    Batch batch;
    EXPECT_TRUE(loader.next(batch));
    opener.join();
    std::unique_lock lock(gate.mutex);
    gate.changed.wait(lock, [&] { return gate.calls >= 1 + 6; });  // all six that may wait
}

TEST(Workers, OfASetInMemoryAndOfAStream) {
    const Dataset set{.inputs = tensor(Multiples::all(30), {30, 2}), .targets = arange(30)};
    Loader plain(set, {.batch_size = 4}), ahead(set, {.batch_size = 4, .workers = 2});
    EXPECT_EQ(contents(ahead), contents(plain));
    Loader stream(Countdown(20), {.batch_size = 3}),
        stream_ahead(Countdown(20), {.batch_size = 3, .workers = 4});
    for (int epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(contents(stream_ahead), contents(stream));
}

TEST(Workers, ACopyOfALoaderGoesOnByItself) {
    Loader loader(Noisy(), {.batch_size = 4, .workers = 2});
    Batch batch;
    ASSERT_TRUE(loader.next(batch));
    Loader copy = loader, moved_from = loader;
    const Loader moved = std::move(moved_from);
    EXPECT_EQ(moved.state(), loader.state());
    EXPECT_EQ(contents(copy), contents(loader));
}

}  // namespace
}  // namespace adjoint::data
