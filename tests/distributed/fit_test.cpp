// train::fit on several ranks against one process that accumulates the same parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/autograd/ops/elementwise.h>
#include <adjoint/autograd/ops/indexed.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/data/safetensors.h>
#include <adjoint/nn/activation.h>
#include <adjoint/nn/batch_norm.h>
#include <adjoint/nn/dropout.h>
#include <adjoint/nn/linear.h>
#include <adjoint/nn/loss.h>
#include <adjoint/nn/sequential.h>
#include <adjoint/optim/adam.h>
#include <adjoint/train/checkpoint.h>
#include <adjoint/train/fit.h>

#include "device/compare.h"
#include "distributed/ranks.h"
#include "temporary_folder.h"

namespace adjoint::distributed {
namespace {

using device::expect_same_bits;

// Four parts at the end of an epoch are of 6, 6, 5 and 5 samples.
data::Dataset questions() {
    manual_seed(3);
    const Tensor x = randn({54, 6});
    return {.inputs = x, .targets = (x(all, 0) > x(all, 1)).to(i64) + (x(all, 2) > 0.5).to(i64)};
}

struct Trained {
    nn::NamedTensors state;
    train::History history;
};

// `normed` has BatchNorm, whose statistics each rank has from its own samples.
Trained fitted(train::FitOptions options, bool normed = false) {
    manual_seed(1);
    const nn::Sequential net =
        normed ? nn::Sequential(nn::Linear(6, 20), nn::BatchNorm1d(20), nn::ReLU(), nn::Linear(20, 3))
               : nn::Sequential(nn::Linear(6, 20), nn::ReLU(), nn::Dropout(0.3), nn::Linear(20, 3));
    optim::Adam optimizer(net.parameters(), {.lr = 0.01});
    options.batch_size = 8;
    options.seed = 5;
    options.verbose = false;
    if (options.epochs == 1) options.epochs = 3;
    const data::Dataset set = questions();
    options.validation = set.part(0, 21);
    options.transform = [](const data::Batch& batch) {
        return data::Batch{batch.x + rand(batch.x.shape()) * 0.1, batch.y};
    };
    train::History history = train::fit(net, nn::CrossEntropyLoss(), optimizer, set, options);
    return {net.state(), std::move(history)};
}

void expect_same(const Trained& expected, const Trained& got) {
    ASSERT_EQ(expected.state.size(), got.state.size());
    for (std::size_t i = 0; i < got.state.size(); ++i)
        expect_same_bits(got.state[i].second, expected.state[i].second, got.state[i].first);
    ASSERT_EQ(expected.history.epochs.size(), got.history.epochs.size());
    for (std::size_t i = 0; i < got.history.epochs.size(); ++i) {
        const train::EpochRecord &a = expected.history.epochs[i], &b = got.history.epochs[i];
        EXPECT_EQ(a.train.loss, b.train.loss);
        EXPECT_EQ(a.train.accuracy, b.train.accuracy);
        EXPECT_EQ(a.validation.loss, b.validation.loss);
        EXPECT_EQ(a.validation.accuracy, b.validation.accuracy);
    }
}

// What it computes uses one weight three times.
struct Recurring : nn::Module {
    const nn::Linear in = child("in", nn::Linear(6, 10));
    const nn::Linear again = child("again", nn::Linear(10, 10));
    const nn::Linear out = child("out", nn::Linear(10, 3));
    Tensor operator()(const Tensor& x) const { return out(tanh(again(tanh(again(tanh(again(in(x)))))))); }
};

class FittingRanks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, FittingRanks, ::testing::Values(1, 2, 4));

// With dropout, noise on the inputs, unequal parts at the end, clipping and averages of the weights.
TEST_P(FittingRanks, HaveTheBitsOfOneProcess) {
    const int ranks = GetParam();
    for (const int workers : {0, 2}) {
        train::FitOptions options{.workers = workers, .clip_norm = 0.5, .average = train::EMA{.decay = 0.9}};
        options.accumulate = ranks;
        options.group = Group();
        const Trained expected = fitted(options);
        run_quick(ranks, [&](const Group& group) {
            train::FitOptions own = options;
            own.accumulate = 1;
            own.group = group;
            own.parallel.bucket_bytes = 100;
            expect_same(expected, fitted(own));
        });
    }
}

// As without a group: nothing is drawn.
TEST_P(FittingRanks, BatchNormHasTheMeanOfTheStatistics) {
    const int ranks = GetParam();
    const Trained expected = fitted({.accumulate = ranks}, true);
    std::mutex mutex;
    std::optional<Trained> first;
    run_quick(ranks, [&](const Group& group) {
        const Trained got = fitted({.group = group}, true);
        const std::scoped_lock lock(mutex);
        if (!first) first = got;
        expect_same(*first, got);
        for (std::size_t i = 0; i < got.state.size(); ++i)
            if (got.state[i].first.find("running") == std::string::npos &&
                got.state[i].first.find("batches") == std::string::npos)
                expect_same_bits(got.state[i].second, expected.state[i].second, got.state[i].first);
    });
}

TEST_P(FittingRanks, AddUpWhatAPartGivesToAWeightThatIsUsedOften) {
    const int ranks = GetParam();
    const auto trained = [](const train::FitOptions& options) {
        manual_seed(1);
        const Recurring net;
        optim::Adam optimizer(net.parameters());
        train::fit(net, nn::CrossEntropyLoss(), optimizer, questions(), options);
        return net.again.weight.detach();
    };
    const Tensor expected = trained({.batch_size = 8, .verbose = false, .accumulate = ranks});
    run_quick(ranks, [&](const Group& group) {
        expect_same_bits(trained({.batch_size = 8, .verbose = false, .group = group}), expected, "weight");
    });
}

// From 4 ranks to 2 to 1, in the middle of an epoch, with the same parts.
TEST(FittingGroup, ACheckpointGoesOnWithAnotherNumberOfRanks) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.safetensors";
    const auto run = [&](int ranks, int epochs, int stop_after, bool resume) {
        Trained result;
        run_quick(ranks, [&](const Group& group) {
            train::FitOptions options{.epochs = epochs, .accumulate = 4 / ranks, .group = group};
            if (resume) options.resume = path;
            options.callbacks.push_back(train::checkpoint({.path = path, .every_batches = 1}));
            options.callbacks.push_back({.on_batch = [&](train::Run& now) {
                if (now.step == stop_after && now.group.rank() == now.group.size() - 1) now.stop("enough");
            }});
            const Trained got = fitted(options);
            EXPECT_EQ(got.history.end.empty(), stop_after == 0);
            if (group.rank() == 0) result = got;
        });
        return result;
    };
    const Trained expected = run(1, 4, 0, false);
    run(4, 4, 3, false);
    run(2, 4, 5, true);
    const Trained got = run(1, 4, 0, true);
    ASSERT_EQ(expected.state.size(), got.state.size());
    for (const auto& record : got.history.epochs)
        EXPECT_NEAR(record.train.loss,
                    expected.history.epochs[static_cast<std::size_t>(record.epoch) - 1].train.loss, 1e-4);
    for (std::size_t i = 0; i < got.state.size(); ++i) {
        const std::vector<double> a = expected.state[i].second.to_vector<double>(),
                                  b = got.state[i].second.to_vector<double>();
        for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-4) << got.state[i].first;
    }
    EXPECT_THROW(fitted({.epochs = 4, .resume = path, .accumulate = 2}), ValueError) << "other parts";
}

// Of four ranks, with as many gradients still to come, to two and to one.
TEST(FittingGroup, WhatCompressionHasLeftOverGoesToOtherRanks) {
    const TemporaryFolder folder;
    const std::string path = folder / "run.safetensors";
    const auto total_of = [](const DataParallel& parallel, const nn::Linear& model, int steps) {
        double total = 0;
        for (int step = 0; step < steps; ++step) {
            model.zero_grad();
            parallel.backward(sum(model(full({1, 1}, 1 + 3.0 / 1024))));
            total += model.weight.grad().item<double>();
        }
        return total;
    };
    double total = 0;
    for (const int ranks : {4, 2}) {
        run_quick(ranks, [&](const Group& group) {
            const nn::Linear model(1, 1, {.bias = false});
            const DataParallel parallel(model, group, {.compress = true});
            if (ranks == 2) parallel.load_left_over(data::load_safetensors(path).tensors);
            const double got = total_of(parallel, model, 7);
            const optim::NamedTensors state = parallel.left_over();
            EXPECT_EQ(state.empty(), group.rank() > 0);
            if (group.rank() > 0) return;
            total += got;
            data::save_safetensors(path, state);
        });
    }
    EXPECT_NEAR(total, 14 * (1 + 3.0 / 1024), 1.0 / 128);
    run_quick(2, [&](const Group& group) {
        const nn::Linear model(2, 1, {.bias = false});
        const DataParallel parallel(model, group, {.compress = true});
        EXPECT_THROW(parallel.load_left_over(data::load_safetensors(path).tensors), ValueError);
    });
}

class Resuming : public ::testing::TestWithParam<DataParallelOptions> {};
INSTANTIATE_TEST_SUITE_P(Options, Resuming,
                         ::testing::Values(DataParallelOptions{}, DataParallelOptions{.compress = true},
                                           DataParallelOptions{.compress = true, .shard = Shard::gradients}));

TEST_P(Resuming, ARunOfTheSameRanksGoesOnToTheBit) {
    const TemporaryFolder folder;
    run_quick(2, [&](const Group& group) {
        const std::string path = folder / "run.safetensors";
        const auto options = [&](int stop_after) {
            return train::FitOptions{.callbacks = {train::checkpoint({.path = path, .every_batches = 1}),
                                                   {.on_batch =
                                                        [=](train::Run& now) {
                                                            if (now.step == stop_after) now.stop("enough");
                                                        }}},
                                     .group = group,
                                     .parallel = GetParam()};
        };
        const Trained expected = fitted(options(0), true);
        fitted(options(5), true);
        group.barrier();
        train::FitOptions again = options(0);
        again.resume = path;
        const Trained got = fitted(again, true);
        expect_same(expected, got);
        for (std::size_t i = 0; i < got.history.epochs.size(); ++i)
            EXPECT_EQ(got.history.epochs[i].train.loss, expected.history.epochs[i].train.loss);
    });
}

struct Noisy : data::Source {
    const data::Dataset set = questions();
    std::int64_t size() const override { return 54; }
    data::Batch get(std::span<const std::int64_t> samples) const override {
        const data::Dataset some = set.select(samples);
        return {some.inputs + randn(some.inputs.shape()), some.targets};
    }
};

TEST(FittingGroup, WhatAValidationSetDrawsIsThatOfOneProcess) {
    manual_seed(1);
    const nn::Linear net(6, 3);
    const double expected = train::evaluate(net, nn::CrossEntropyLoss(), data::Samples(Noisy()), 10).loss;
    for (const int ranks : {1, 2, 3, 8})
        run_quick(ranks, [&](const Group& group) {
            const train::Trainee both = train::trainee(net, nn::CrossEntropyLoss());
            EXPECT_EQ(train::evaluate(both, Noisy(), group, 10).loss, expected);
            EXPECT_THROW(train::evaluate(both, Noisy(), group, 0), ValueError);
        });
}

// Also from where a run goes on.
TEST(FittingGroup, WhatAStreamDrawsIsTheSameForAllRanks) {
    struct Drawn : data::Stream {
        Tensor order;
        std::int64_t at = 0;
        void begin(std::uint64_t) override {
            order = randperm(40).to(f32);
            at = 0;
        }
        std::optional<data::Batch> next(std::int64_t count) override {
            count = std::min<std::int64_t>(count, 40 - at);
            if (count == 0) return {};
            const Tensor x = order(slice(at, at + count)) + 0.5 * rand({1});
            at += count;
            return data::Batch{unsqueeze(x, 1), zeros({count})};
        }
    };
    const auto seen = [](const data::LoaderParts& parts, std::int64_t from) {
        data::Loader loader(data::Samples(Drawn()), {.batch_size = 20 / parts.count, .parts = parts});
        loader.set_state({.next_batch = from});
        std::vector<double> all;
        data::Batch batch;
        while (loader.next(batch))
            for (const double x : batch.x.to_vector<double>()) all.push_back(x);
        return all;
    };
    const std::vector<double> whole = seen({}, 0);
    std::vector<double> shared;
    for (const std::int64_t rank : {0, 1})
        for (const double x : seen({.count = 2, .first = rank}, 0)) shared.push_back(x);
    EXPECT_EQ(std::multiset<double>(shared.begin(), shared.end()),
              std::multiset<double>(whole.begin(), whole.end()));
    EXPECT_EQ(seen({}, 1), std::vector<double>(whole.begin() + 20, whole.end()));
}

TEST(FittingGroup, AStreamOfFewerSamplesThanPartsIsSaid) {
    struct Short : data::Stream {
        bool over = false;
        void begin(std::uint64_t) override { over = false; }
        std::optional<data::Batch> next(std::int64_t) override {
            if (std::exchange(over, true)) return {};
            return data::Batch{ones({2, 6}), zeros({2}).to(i64)};
        }
    };
    const nn::Linear net(6, 3);
    optim::Adam optimizer(net.parameters());
    const auto fitted_to = [&](int parts) {
        return train::fit(net, nn::CrossEntropyLoss(), optimizer, Short(),
                          {.verbose = false, .accumulate = parts});
    };
    EXPECT_EQ(fitted_to(2).epochs.size(), 1u);
    try {
        fitted_to(3);
        FAIL() << "no error";
    } catch (const ValueError& error) {
        EXPECT_STREQ(error.what(),
                     "fit: no batch in epoch 1: the stream ended before it gave 3 samples, one for each part "
                     "of a step");
    }
}

// Which draws from those that are not held out.
TEST(FittingGroup, ASamplerMayStandBesideAValidationSplit) {
    const auto trained = [](const Group& group, int parts) {
        manual_seed(1);
        const nn::Linear net(6, 3);
        optim::Adam optimizer(net.parameters());
        train::fit(net, nn::CrossEntropyLoss(), optimizer, questions(),
                   {.batch_size = 8,
                    .validation_split = 0.5,
                    .verbose = false,
                    .sampler = data::weighted_sampler(std::vector<double>(27, 1.0)),
                    .accumulate = parts,
                    .group = group});
        return net.weight.to_vector<float>();
    };
    const std::vector<float> alone = trained(Group(), 2);
    run_quick(2, [&](const Group& group) { EXPECT_EQ(trained(group, 1), alone); });
}

TEST(FittingGroup, CallbacksSeeTheLossOfAll) {
    std::mutex mutex;
    std::vector<std::vector<double>> losses;
    run_quick(2, [&](const Group& group) {
        std::vector<double> own;
        fitted({.callbacks = {{.on_batch = [&](train::Run& now) { own.push_back(now.loss.item()); }}},
                .group = group});
        const std::scoped_lock lock(mutex);
        losses.push_back(own);
    });
    EXPECT_EQ(losses[0], losses[1]);
    EXPECT_EQ(losses[0].size(), 12u);
    EXPECT_GT(losses[0][0], 0.5) << "the mean over all samples, not a share of it";
}

TEST(FittingGroup, RefusesACapture) {
    EXPECT_THROW(fitted({.capture = train::CaptureMode::on, .group = Group()}), ValueError);
}

}  // namespace
}  // namespace adjoint::distributed
