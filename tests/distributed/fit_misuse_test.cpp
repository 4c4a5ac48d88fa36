// Trainings by fit in which ranks are given other things, or do them.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>
#include <adjoint/nn/loss.h>
#include <adjoint/optim/adam.h>
#include <adjoint/optim/sgd.h>
#include <adjoint/train/checkpoint.h>
#include <adjoint/train/fit.h>

#include "distributed/faults.h"
#include "temporary_folder.h"

namespace adjoint::distributed {
namespace {

// A training of one epoch; `differ` makes rank 1 another, or has callbacks.
std::string fault_of_fit(const std::function<void(const Group&, train::FitOptions&)>& differ,
                         double lr_of_rank_1 = 0.01, bool trained_before = false) {
    return fault_of(2, [&](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::Adam optimizer(model.parameters(), {.lr = group.rank() == 1 ? lr_of_rank_1 : 0.01});
        if (trained_before && group.rank() == 1) {
            sum(model(ones({1, 4}))).backward();
            optimizer.step();
        }
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        train::FitOptions options{.epochs = 2, .batch_size = 4, .verbose = false, .group = group};
        differ(group, options);
        const train::History history = train::fit(model, nn::MSELoss(), optimizer, set, options);
        if (!history.end.empty())
            throw DistributedError(history.end + ", after epochs " + std::to_string(history.epochs.size()));
    });
}

TEST(MisuseOfFit, WhatDiffersIsNamed) {
    using Options = train::FitOptions;
    const auto second = [](auto&& f) {
        return [f](const Group& group, Options& options) {
            if (group.rank() == 1) f(options);
        };
    };
    expect_fault(fault_of_fit(second([](Options& o) { o.seed = 7; })),
                 "rank 0 has seed 0, rank 1 has seed 7");
    expect_fault(fault_of_fit(second([](Options& o) { o.epochs = 3; })),
                 "rank 0 has epochs 2, rank 1 has epochs 3");
    expect_fault(fault_of_fit(second([](Options& o) { o.clip_norm = 1; })), "rank 1 has clip_norm 1");
    expect_fault(fault_of_fit(second([](Options& o) { o.callbacks = {{.on_batch = [](train::Run&) {}}}; })),
                 "rank 0 has 0 callbacks with on_batch, rank 1 has 1 callback with on_batch");
    expect_fault(fault_of_fit(second([](Options& o) { o.callbacks = {train::early_stopping()}; })),
                 "rank 0 has 0 callbacks with on_");
    expect_fault(fault_of_fit([](const Group&, Options&) {}, 0.02), "lr 0.01, rank 1 has optimizer");
    expect_fault(fault_of_fit([](const Group&, Options&) {}, 0.01, true), "rank 1 has optimizer's 0.step");
}

// Each by its own name, not by what comes of it.
TEST(MisuseOfFit, OptionsThatOneRankHasNotAreNamed) {
    const auto differs = [](const auto& set) {
        return fault_of_fit([&](const Group& group, train::FitOptions& options) {
            if (group.rank() == 1) set(options);
        });
    };
    expect_fault(differs([](train::FitOptions& o) { o.parallel.shard = Shard::gradients; }),
                 "rank 0 has shard none, rank 1 has shard gradients");
    expect_fault(differs([](train::FitOptions& o) { o.autocast = bf16; }),
                 "rank 0 has autocast none, rank 1 has autocast bf16");
    expect_fault(differs([](train::FitOptions& o) { o.drop_last = true; }),
                 "rank 0 has drop_last off, rank 1 has drop_last on");
}

// Where states are shared out, too: a rank that has moved alone has those of all parameters.
TEST(MisuseOfFit, AnOptimizerThatHasMovedOnOneRankIsNamed) {
    for (const Shard shard : {Shard::none, Shard::optimizer, Shard::gradients, Shard::parameters})
        expect_fault(
            fault_of_fit([=](const Group&, train::FitOptions& o) { o.parallel.shard = shard; }, 0.01, true),
            "rank 1 has optimizer's 0.step");
}

// A training goes on with the optimizer of the last, whose states are where they belong.
TEST(MisuseOfFit, StatesThatAreSharedOutAreNoDifference) {
    run_quick(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::Adam optimizer(model.parameters(), {.lr = 0.01});
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        for (int i = 0; i < 2; ++i)
            train::fit(model, nn::MSELoss(), optimizer, set,
                       {.epochs = 1,
                        .batch_size = 4,
                        .verbose = false,
                        .group = group,
                        .parallel = {.shard = Shard::optimizer}});
        EXPECT_EQ(optimizer.state().size(), 1U + 3 * 2);  // the rate, and of two parameters step and moments
    });
}

// The path is that of the rank that writes: others need not have its folder.
TEST(MisuseOfFit, CheckpointsAreWrittenByOneRank) {
    const TemporaryFolder folder;
    EXPECT_EQ(fault_of_fit([&](const Group& group, train::FitOptions& options) {
                  const std::string place = group.rank() == 0 ? folder.path() : folder.path() + "/not/there";
                  options.callbacks = {train::checkpoint({.path = place + "/run.ckpt"})};
              }),
              "nothing was thrown");
}

TEST(MisuseOfFit, OtherOptionsOfAnOptimizerAreNamed) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::AdamW optimizer(model.parameters(), {.weight_decay = group.rank() == 0 ? 0.01 : 0.02});
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        train::fit(model, nn::MSELoss(), optimizer, set, {.verbose = false, .group = group});
    });
    expect_fault(fault, "rank 0 has options of AdamW that make steps of ");
    expect_fault(fault, "every rank is given the same options, optimizer and samples");
}

TEST(MisuseOfFit, OtherParametersOfAnOptimizerAreNamed) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        std::vector<Tensor> moved = model.parameters();
        if (group.rank() == 1) moved.pop_back();
        optim::SGD optimizer(moved);
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        train::fit(model, nn::MSELoss(), optimizer, set, {.verbose = false, .group = group});
    });
    expect_fault(fault, "rank 1 has an optimizer of 0.weight 0.bias 2.weight; ");
}

TEST(MisuseOfFit, TheRateOfALaterGroupEndsWithTheEpoch) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        std::vector<optim::Adam::Group> groups;
        for (const Tensor& parameter : model.parameters()) groups.push_back({{parameter}, {.lr = 1e-3 / 3}});
        optim::Adam optimizer(groups);
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        train::Callback last{.on_batch = [&](train::Run& run) {
            if (group.rank() == 1 && run.step == 1) optimizer.set_lr(0.5, 3);
        }};
        train::fit(model, nn::MSELoss(), optimizer, set,
                   {.epochs = 2, .verbose = false, .callbacks = {last}, .group = group});
    });
    expect_fault(fault, "the end of epoch 1, lr 0.000333");
}

TEST(MisuseOfFit, OtherSamplesAreNamed) {
    const auto fault_with = [](auto&& choose) {
        return fault_of(2, [&](const Group& group) {
            const nn::Sequential model = two_layers();
            optim::SGD optimizer(model.parameters());
            data::Dataset set{.inputs = ones({100, 4}), .targets = zeros({100, 4})};
            train::FitOptions options{.verbose = false, .group = group};
            options.validation = data::Dataset{.inputs = ones({10, 4}), .targets = zeros({10, 4})};
            if (group.rank() == 1) choose(set, options);
            train::fit(model, nn::MSELoss(), optimizer, set, options);
        });
    };
    using Options = train::FitOptions;
    expect_fault(fault_with([](data::Dataset& set, Options&) { set = set.part(0, 99); }),
                 "rank 1 has training with 99 samples");
    expect_fault(fault_with([](data::Dataset& set, Options&) {
                     set.inputs = ones({100, 4}) * 2;
                 }),
                 "rank 1 has training with 100 samples, times 1 plus 0, f32 (64, 4) ");
    expect_fault(fault_with([](data::Dataset& set, Options&) {
                     set.targets = ones({100, 4});
                 }),
                 "rank 1 has training with 100 samples, times 1 plus 0, f32 (64, 4) ");
    expect_fault(fault_with([](data::Dataset&, Options& options) {
                     options.validation = data::Dataset{.inputs = zeros({10, 4}), .targets = zeros({10, 4})};
                 }),
                 "rank 1 has validation with 10 samples");
    expect_fault(fault_of(2,
                          [](const Group& group) {
                              const nn::Sequential model = two_layers();
                              optim::SGD optimizer(model.parameters());
                              std::vector<std::int64_t> some{1, 2, 3, 4};
                              if (group.rank() == 1) std::swap(some[0], some[1]);
                              train::fit(model, nn::MSELoss(), optimizer,
                                         data::Dataset{.inputs = ones({9, 4}), .targets = zeros({9, 4})},
                                         {.verbose = false,
                                          .sampler = data::subset_sampler(some, {.shuffle = false}),
                                          .group = group});
                          }),
                 "rank 1 has a sampler with the order ");
}

TEST(MisuseOfFit, WhatIsNoPartOfTheModelIsRefused) {
    EXPECT_THROW(run_quick(2,
                           [](const Group& group) {
                               const nn::Linear model(4, 4);
                               const Tensor scale = ones({1}, {.requires_grad = true});
                               optim::SGD optimizer({model.weight, scale}, {.lr = 0.1});
                               const data::Dataset set{.inputs = ones({8, 4}), .targets = zeros({8, 4})};
                               train::fit(
                                   model,
                                   [&](const Tensor& y, const Tensor& t) { return mse_loss(y * scale, t); },
                                   optimizer, set, {.batch_size = 2, .verbose = false, .group = group});
                           }),
                 ValueError);
}

TEST(MisuseOfFit, RanksGoOnFromOneCheckpoint) {
    const TemporaryFolder folder;
    for (const int which : {0, 1}) {
        const std::string fault = fault_of_fit([&](const Group&, train::FitOptions& options) {
            options.epochs = which + 1;
            options.callbacks = {train::checkpoint({.path = folder / std::to_string(which)})};
        });
        EXPECT_EQ(fault, "nothing was thrown");
    }
    expect_fault(fault_of_fit([&](const Group& group, train::FitOptions& options) {
                     options.epochs = 3;
                     options.callbacks = {train::checkpoint({.path = folder / "new"})};
                     options.resume = folder / std::to_string(group.rank());
                 }),
                 "rank 0 has step 4, rank 1 has step 8; all ranks go on from the same checkpoint");
}

// Its share of the validation set may be empty; the loss is that of the others to the last bit.
TEST(MisuseOfFit, ARankWithoutValidationSamplesHasTheirLoss) {
    std::vector<double> losses(3);
    run_quick(3, [&](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        const data::Dataset set{.inputs = randn({12, 4}), .targets = zeros({12, 4})};
        const train::History history =
            train::fit(model, nn::MSELoss(), optimizer, set,
                       {.batch_size = 2, .validation = set.part(0, 2), .verbose = false, .group = group});
        losses[static_cast<std::size_t>(group.rank())] = history.last().validation.loss;
    });
    EXPECT_EQ(losses[0], losses[1]);
    EXPECT_EQ(losses[0], losses[2]);
}

TEST(MisuseOfFit, ALearningRateOfOneRankEndsWithTheNextStep) {
    const std::string fault = fault_of_fit([](const Group& group, train::FitOptions& options) {
        options.callbacks = {{.on_begin = [&group](train::Run& run) {
            if (group.rank() == 1) run.optimizer.set_lr(0.5);
        }}};
    });
    expect_fault(fault, "steps with lr 0.5 (");
    expect_fault(fault, "steps with lr 0.01 (");
}

TEST(MisuseOfFit, OneRankEndsAllAtAnyEvent) {
    using Event = std::function<void(train::Run&)> train::Callback::*;
    for (const Event event : {&train::Callback::on_begin, &train::Callback::on_gradients,
                              &train::Callback::on_batch, &train::Callback::on_epoch}) {
        const std::string fault = fault_of_fit([&](const Group& group, train::FitOptions& options) {
            train::Callback callback;
            callback.*event = [&group](train::Run& run) {
                if (group.rank() == 1) run.stop("enough");
            };
            options.callbacks = {callback};
        });
        EXPECT_TRUE(fault.starts_with("enough, after epochs") ||
                    fault.starts_with("a callback of another rank has ended the training, after epochs"))
            << fault;
    }
}

TEST(MisuseOfFit, ACheckpointOfOneRankIsNamed) {
    const TemporaryFolder folder;
    const std::string fault = fault_of_fit([&](const Group& group, train::FitOptions& options) {
        options.callbacks = {{.on_epoch = [&](train::Run& run) {
            if (group.rank() == 0) run.save(folder / "alone");
        }}};
    });
    expect_fault(fault, "a checkpoint: Run::save, which every rank calls");
}

}  // namespace
}  // namespace adjoint::distributed
