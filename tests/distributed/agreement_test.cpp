// What ranks find to be different while they train, and in which words.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <latch>
#include <string>
#include <vector>

#include <adjoint/adjoint.h>
#include <adjoint/core/base/concern.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/distributed/mpi/mpi.h>

#include "distributed/faults.h"
#include "temporary_folder.h"

namespace adjoint::distributed {
namespace {

class RatesOfOneRank : public ::testing::TestWithParam<Shard> {};
INSTANTIATE_TEST_SUITE_P(What, RatesOfOneRank,
                         ::testing::Values(Shard::none, Shard::optimizer, Shard::gradients,
                                           Shard::parameters));

std::string fault_of_training(const train::FitOptions& of_all,
                              const std::function<void(const Group&, train::FitOptions&)>& differ) {
    return fault_of(2, [&](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::Adam optimizer(model.parameters(), {.lr = 0.01});
        const data::Dataset set{.inputs = ones({32, 4}), .targets = zeros({32, 4})};
        train::FitOptions options = of_all;
        options.batch_size = 4;
        options.verbose = false;
        options.group = group;
        differ(group, options);
        train::fit(model, nn::MSELoss(), optimizer, set, options);
    });
}

// Of one step of four, and back behind it.
TEST_P(RatesOfOneRank, AreSeenAlsoIfTheyAreSetBack) {
    for (const bool momentum : {false, true}) {
        const std::string fault = fault_of_training(
            {.epochs = 2, .parallel = {.shard = GetParam()}}, [&](const Group& group, train::FitOptions& o) {
                const auto set = [momentum, &group](train::Run& run, double lr, double beta) {
                    if (group.rank() == 0 || run.step > 2) return;
                    momentum ? run.optimizer.set_momentum(beta, 0) : run.optimizer.set_lr(lr);
                };
                o.callbacks = {{.on_gradients = [set](train::Run& run) { set(run, 0.02, 0.8); },
                                .on_batch = [set](train::Run& run) { set(run, 0.01, 0.9); }}};
            });
        expect_fault(fault, momentum ? "steps with lr 0.01 (" : "steps with lr 0.02 (");
        expect_fault(fault, "the ranks do not do the same");
    }
}

TEST_P(RatesOfOneRank, AreSeenInALoopOfOnesOwn) {
    const std::string fault = fault_of(2, [](const Group& group) {
        const nn::Sequential model = two_layers();
        optim::SGD optimizer(model.parameters(), {.lr = 0.1});
        const DataParallel parallel(model, group, {.shard = GetParam()});
        for (int step = 0; step < 3; ++step) {
            model.zero_grad();
            parallel.backward(sum(model(ones({1, 4}))));
            optimizer.set_lr(step == 1 && group.rank() == 1 ? 0.2 : 0.1);
            parallel.step(optimizer, [&] { optimizer.step(); });
            optimizer.set_lr(0.1);
        }
    });
    expect_fault(fault, "steps with lr 0.2 (");
}

TEST_P(RatesOfOneRank, ThatAllHaveAreNoDifference) {
    EXPECT_EQ(fault_of_training(
                  {.epochs = 2, .parallel = {.shard = GetParam()}},
                  [&](const Group&, train::FitOptions& o) {
                      o.callbacks = {{.on_gradients =
                                          [](train::Run& run) {
                                              run.optimizer.set_lr(0.01 / static_cast<double>(1 + run.step));
                                          },
                                      .on_batch = [](train::Run& run) { run.optimizer.set_lr(0.5); }}};
                  }),
              "nothing was thrown");
}

train::Callback writes_weights_of_rank_1(const Group& group) {
    return {.on_batch = [&group](train::Run& run) {
        if (group.rank() == 1 && run.step == 2) run.trainee.module.parameters()[2].detach().fill_(0.5);
    }};
}

TEST(Weights, ThatOneRankHasChangedEndTheEpoch) {
    const std::string fault =
        fault_of_training({.epochs = 2}, [](const Group& group, train::FitOptions& options) {
            options.callbacks = {writes_weights_of_rank_1(group)};
        });
    expect_fault(fault, "fit: rank 0 has 2.weight ");
    expect_fault(fault, ", rank 1 has 2.weight ");
    expect_fault(fault, "what changes weights, gradients or rates does so on every rank");
}

// What is written is what all have: the file of the step before stays.
TEST(Weights, ThatOneRankHasChangedAreInNoCheckpoint) {
    const TemporaryFolder folder;
    const std::string fault =
        fault_of_training({.epochs = 2}, [&](const Group& group, train::FitOptions& options) {
            options.callbacks = {writes_weights_of_rank_1(group),
                                 train::checkpoint({.path = folder / "run", .every_batches = 1})};
        });
    expect_fault(fault, "rank 0 has 2.weight ");
    EXPECT_EQ(train::load_checkpoint(folder / "run").run[0].second.item(), 1);
}

TEST(Words, WhatOneRankHasNotIsNamed) {
    using Options = train::FitOptions;
    const auto differs = [](const auto& choose) {
        return fault_of_training({}, [&](const Group& group, Options& options) {
            if (group.rank() == 1) choose(options);
        });
    };
    const data::Dataset some{.inputs = ones({1, 4}), .targets = zeros({1, 4})};
    const train::Metric one = train::Metric([](const Tensor&, const Tensor&) { return 1.0; });
    expect_fault(differs([&](Options& o) { o.validation = some; }),
                 "rank 0 has no validation set, rank 1 has validation with 1 sample, ");
    expect_fault(differs([&](Options& o) {
                     o.metrics = {{"recall", one}};
                 }),
                 "rank 0 has no metric recall, rank 1 has metric recall");
    expect_fault(differs([](Options& o) { o.average = train::EMA{.decay = 0.5}; }),
                 "rank 0 has average none, rank 1 has average EMA 0.5");
    expect_fault(differs([](Options& o) {
                     o.sampler = data::subset_sampler({1, 2, 3, 4});
                 }),
                 "rank 0 has no ");
}

TEST(Words, TheSameInAnotherOrderIsNamed) {
    const std::string fault = fault_of(2, [](const Group& group) {
        struct Two : nn::Module {
            explicit Two(bool turned) {
                for (const bool first : {true, false})
                    child(first != turned ? "first" : "second", nn::Linear(2, 2, {.bias = false}));
            }
        };
        DataParallel(Two(group.rank() == 1), group);
    });
    expect_fault(fault,
                 "rank 0 has first.weight f32 (2, 2) in place 5, rank 1 has second.weight f32 (2, 2) "
                 "in place 5");
}

// What waits for a message is recv, whatever the sender calls it.
TEST(Words, WhoWaitsForAMessageIsInRecv) {
    std::string late, told;
    std::latch over(1);
    try {
        run_threads(2,
                    [&over](const Group& group) {
                        if (group.rank() == 1) return over.wait();
                        try {
                            group.recv(ones({2}), 1);
                        } catch (...) {
                            over.count_down();
                            throw;
                        }
                    },
                    {.timeout = std::chrono::seconds(1)});
    } catch (const DistributedError& error) {
        late = error.what();
    }
    EXPECT_EQ(late.find("recv: rank 0 on "), 0U) << late;
    expect_fault(late, " has waited 1 s in recv of f32 (2,) over threads; nothing comes from rank 1 on ");
    expect_fault(late, "hangs, or does not send (GroupOptions::timeout)");
    try {
        run_quick(2, [&told](const Group& group) {
            if (group.rank() == 1) throw ValueError("no more paper");
            try {
                group.recv(ones({2}), 1);
            } catch (const DistributedError& error) {
                told = error.what();
            }
        });
    } catch (const ValueError&) {
        EXPECT_EQ(told.find("recv: rank 0 on "), 0U) << told;
    }
}

TEST(Words, WhoWaitsForAGroupSaysSo) {
    const auto engines = thread_engines(2);
    std::string late;
    try {
        Group(engines[0], {.timeout = std::chrono::milliseconds(100)});
    } catch (const DistributedError& error) {
        late = error.what();
    }
    expect_fault(late,
                 "group: rank 0 has waited 0.1 s in the making of a group over threads; nothing comes "
                 "from rank 1: it has ended, hangs, or does not make its own");
}

// Each in a process of its own, they would say the same.
TEST(Warnings, OfTheProgramAreTheFirstRanksToSay) {
    std::string heard;
    set_warning_handler([&](const std::string& message) { heard += message + "\n"; });
    const std::string fault = fault_of_training({}, [](const Group& group, train::FitOptions& options) {
        options.callbacks = {{.on_epoch = [&group](train::Run&) {
            const std::string rank = std::to_string(group.rank());
            warn_once("of the program, rank " + rank, "program " + rank);
            warn_once("of the machine, rank " + rank, "machine " + rank, Concern::process);
        }}};
    });
    warn_once("behind it", "behind it");
    set_warning_handler({});
    EXPECT_EQ(fault, "nothing was thrown");
    EXPECT_NE(heard.find("program 0"), std::string::npos) << heard;
    EXPECT_EQ(heard.find("program 1"), std::string::npos) << heard;
    EXPECT_NE(heard.find("machine 0"), std::string::npos) << heard;
    EXPECT_NE(heard.find("machine 1"), std::string::npos) << heard;
    EXPECT_NE(heard.find("behind it"), std::string::npos) << heard;
}

// The variables of a starter while it lives.
struct Environment {
    explicit Environment(const std::vector<std::pair<const char*, const char*>>& values) {
        clear();
        for (const auto& [name, value] : values) setenv(name, value, 1);
    }
    ~Environment() { clear(); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

  private:
    static void clear() {
        for (const char* const name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE",
                                       "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"})
            unsetenv(name);
    }
};

TEST(Started, TheEnvironmentSaysOfHowMany) {
    const auto said = [](const std::vector<std::pair<const char*, const char*>>& values) -> std::string {
        const Environment environment(values);
        const std::optional<StartedProcess> process = started_process();
        return process ? std::to_string(process->rank) + " of " + std::to_string(process->size) : "alone";
    };
    EXPECT_EQ(said({}), "alone");
    EXPECT_EQ(said({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), "1 of 2");
    EXPECT_EQ(said({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}}), "0 of 3");
    EXPECT_EQ(said({{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}}), "3 of 4");
    EXPECT_EQ(said({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}), "alone");  // a script of sbatch
    EXPECT_EQ(said({{"PMI_RANK", "x"}, {"PMI_SIZE", "3"}}), "alone");
    EXPECT_EQ(said({{"PMI_RANK", "3"}, {"PMI_SIZE", "3"}}), "alone");
}

TEST(Started, ATimeOutIsPositive) {
    if (!mpi_available()) GTEST_SKIP() << mpi_description();
    EXPECT_THROW(mpi_group({.timeout = std::chrono::milliseconds(0)}), ValueError);
    EXPECT_THROW(mpi_engine(std::chrono::milliseconds(-1)), ValueError);
}

}  // namespace
}  // namespace adjoint::distributed
