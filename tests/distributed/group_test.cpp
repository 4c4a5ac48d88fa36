// Every operation of a group for every type, over ranks that are threads.
#include <adjoint/distributed/group/group.h>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

#include "device/compare.h"
#include "distributed/checks.h"
#include "distributed/ranks.h"
#include "toy_device/toy_device.h"

namespace adjoint::distributed {
namespace {

using device::expect_same_bits;

class Ranks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, Ranks, ::testing::Values(1, 2, 3, 4));

TEST_P(Ranks, ReduceEveryType) { run_quick(GetParam(), reduces_every_type); }
TEST_P(Ranks, MoveEveryType) { run_quick(GetParam(), moves_every_type); }
TEST_P(Ranks, SendEveryType) { run_quick(GetParam(), sends_every_type); }
TEST_P(Ranks, MeansOfShortTypes) { run_quick(GetParam(), means_of_short_types); }
TEST_P(Ranks, SumInTheOrderOfTheRanks) { run_quick(GetParam(), sums_in_the_order_of_the_ranks); }
TEST_P(Ranks, SumsRoundedOnceForgetNothing) { run_quick(GetParam(), sums_rounded_once_forget_nothing); }

TEST_P(Ranks, ViewsAreCopied) {
    const int ranks = GetParam();
    run_quick(ranks, [&](const Group& group) {
        const Tensor whole = full({4, 6}, group.rank() + 1);
        const Tensor column = detached_view(whole, {4}, {6}, 2);
        const std::uint32_t version = whole.version();
        group.all_reduce(column);
        const double sum = ranks * (ranks + 1) / 2.0;
        EXPECT_EQ(whole.to_vector<double>()[2], sum);
        EXPECT_EQ(whole.to_vector<double>()[20], sum);
        EXPECT_EQ(whole.to_vector<double>()[3], group.rank() + 1);
        EXPECT_EQ(whole.version() != version, ranks > 1);
        EXPECT_EQ(group.all_gather(detached_view(whole, {2, 2}, {6, 3}, 3)).shape(), Shape({2 * ranks, 2}));
    });
}

TEST_P(Ranks, OtherDevicesAreStaged) {
    const int ranks = GetParam();
    run_quick(ranks, [&](const Group& group) {
        const Tensor x = full({5}, group.rank() + 1).to(toy_device());
        group.all_reduce(x);
        EXPECT_EQ(x.device(), toy_device());
        EXPECT_EQ(x.to_vector<double>()[4], ranks * (ranks + 1) / 2.0);
        EXPECT_EQ(group.all_gather(x).device(), toy_device());
    });
}

TEST_P(Ranks, ManyUnderWayAtOnce) {
    run_quick(GetParam(), [&](const Group& group) {
        std::vector<Tensor> all;
        std::vector<Work> works;
        for (int i = 0; i < 20; ++i) {
            all.push_back(full({100 * i}, group.rank()));
            works.push_back(group.all_reduce_async(all.back(), ReduceOp::max));
        }
        for (const Work& work : works) work.wait();
        for (const Work& work : works) EXPECT_TRUE(work.done());
        for (int i = 1; i < 20; ++i)
            EXPECT_EQ(all[static_cast<std::size_t>(i)].to_vector<double>().back(), group.size() - 1);
    });
}

// With four threads of one process there is no engine's own sum.
TEST(Group, AskForASumThatTheEngineLacks) {
    EXPECT_THROW(run_quick(2, [](const Group& group) { group.all_reduce(ones({3})); },
                           {.summation = Summation::by_engine}),
                 DTypeError);
}

TEST(Group, OfOne) {
    const Group group;
    EXPECT_EQ(group.size(), 1);
    EXPECT_EQ(group.rank(), 0);
    EXPECT_STREQ(group.engine(), "self");
    const Tensor x = ones({2});
    group.all_reduce(x, ReduceOp::mean);
    group.broadcast(x);
    group.barrier();
    EXPECT_EQ(x.to_vector<double>(), std::vector<double>({1, 1}));
    EXPECT_FALSE(group.all_gather(x).is_same(x));
    EXPECT_EQ(group.all_gather(x).to_vector<double>(), std::vector<double>({1, 1}));
}

// Refusals
// -----------------------------------------------------------------------------

std::string error_of(int ranks, const std::function<void(const Group&)>& f,
                     std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    try {
        run_quick(ranks, f, {.timeout = timeout});
    } catch (const DistributedError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Group, NamesWhoDoesSomethingElse) {
    const std::string shapes =
        error_of(2, [](const Group& group) { group.all_reduce(ones({2 + group.rank()})); });
    EXPECT_NE(shapes.find("rank 0"), std::string::npos) << shapes;
    EXPECT_NE(shapes.find("f32 (2,)"), std::string::npos) << shapes;
    EXPECT_NE(shapes.find("f32 (3,)"), std::string::npos) << shapes;

    const std::string types = error_of(
        3, [](const Group& group) { group.all_gather(ones({2}).to(group.rank() == 2 ? f64 : f32)); });
    EXPECT_NE(types.find("f64 (2,)"), std::string::npos) << types;
    EXPECT_NE(types.find("rank 2 on "), std::string::npos) << types;

    const std::string operations = error_of(2, [](const Group& group) {
        if (group.rank() == 0)
            group.barrier();
        else
            group.broadcast(ones({2}));
    });
    EXPECT_NE(operations.find("barrier"), std::string::npos) << operations;
    EXPECT_NE(operations.find("broadcast (root 0)"), std::string::npos) << operations;

    EXPECT_NE(error_of(2, [](const Group& group) { group.broadcast(ones({2}), group.rank()); }), "no error");
    EXPECT_NE(error_of(2,
                       [](const Group& group) {
                           group.all_reduce(ones({2}), group.rank() == 0 ? ReduceOp::max : ReduceOp::min);
                       }),
              "no error");
    const std::string message = error_of(2, [](const Group& group) {
        if (group.rank() == 0)
            group.send(ones({2}), 1);
        else
            group.recv(ones({3}), 0);
    });
    EXPECT_NE(message.find("has sent a message of f32 (2,)"), std::string::npos) << message;
}

// A rank that returns says nothing: only the time-out tells.
TEST(Group, NamesWhoIsMissing) {
    std::latch over(2);
    const std::string missing = error_of(
        3,
        [&over](const Group& group) {
            if (group.rank() == 1) return over.wait();
            try {
                group.all_reduce(ones({2}));
            } catch (...) {
                over.count_down();
                throw;
            }
        },
        std::chrono::seconds(2));
    EXPECT_NE(missing.find("has waited 2 s in all_reduce (sum) of f32 (2,)"), std::string::npos) << missing;
    EXPECT_NE(missing.find("nothing comes from rank 1 on "), std::string::npos) << missing;
}

// Also where another one has not come yet.
TEST(Group, NamesWhoHasLeft) {
    for (const bool message : {false, true}) {
        std::latch over(1);
        const std::string left = error_of(3, [&](const Group& group) {
            if (group.rank() == 1) return;
            if (group.rank() == 2) return over.wait();
            try {
                message ? group.recv(ones({2}), 1) : group.barrier();
            } catch (...) {
                over.count_down();
                throw;
            }
        });
        EXPECT_NE(left.find("rank 1 on "), std::string::npos) << left;
        EXPECT_NE(left.find("has left the group: its last handle has ended"), std::string::npos) << left;
    }
}

// What others throw, who only hear of it, may come first.
TEST(Group, TheErrorOfARunIsThatOfTheRankThatFailed) {
    std::latch over(1);
    const std::string fault = error_of(2, [&over](const Group& group) {
        if (group.rank() == 0) {
            group.send(ones({2}), 1);
            try {
                group.barrier();
            } catch (...) {
                over.count_down();
                throw;
            }
        } else {
            try {
                group.recv(ones({3}), 0);
            } catch (...) {
                over.wait();  // the other one has thrown
                throw;
            }
        }
    });
    EXPECT_EQ(fault.find("recv: "), 0U) << fault;
}

// It does not wait in vain for what is no error of its own.
TEST(Group, AMessageIsNotSentByAGroupThatHasFailed) {
    run_quick(2, [](const Group& group) {
        EXPECT_THROW(group.all_reduce(ones({2 + group.rank()})), DistributedError);
        EXPECT_THROW(group.send(ones({2}), 1 - group.rank()), DistributedError);
    });
}

TEST(Group, ARankThatLeavesSaysWhoHasNotTakenAMessage) {
    testing::internal::CaptureStderr();
    run_quick(2,
              [](const Group& group) {
                  if (group.rank() == 0) group.send(ones({5000}), 1);
              },
              {.timeout = std::chrono::minutes(5)});  // for which nobody waits
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("has not taken its message of f32 (5000,)"), std::string::npos) << said;
}

TEST(Group, WhatNobodyTookIsNotTheNextGroups) {
    const auto engines = thread_engines(2);
    const auto rank = [&](std::size_t r) {
        for (int i = 0; i < 3; ++i) {
            const Group group(engines[r], {.timeout = std::chrono::seconds(60)});
            if (r == 0) {
                group.send(full({2}, i), 1);
                group.send(full({2}, 10), 1);
            } else {
                const Tensor x = zeros({2});
                group.recv(x, 0);
                EXPECT_EQ(x.to_vector<float>()[0], static_cast<float>(i));
            }
        }
    };
    std::thread other(rank, 1);
    rank(0);
    other.join();
}

// Nobody waits for a rank that has ended: generous time-out, the test ends at once.
TEST(Group, ARankThatThrowsEndsTheOthers) {
    std::vector<std::string> heard(3);
    try {
        run_threads(3, [&](const Group& group) {
            try {
                group.barrier();  // all have come; who has not would not hear of it here
                if (group.rank() == 2) throw ValueError("no more paper");
                group.barrier();
            } catch (const DistributedError& error) {
                heard[static_cast<std::size_t>(group.rank())] = error.what();
                EXPECT_THROW(group.all_reduce(ones({2})), DistributedError);
                throw;
            }
        });
        FAIL() << "no error";
    } catch (const ValueError& error) {
        EXPECT_STREQ(error.what(), "no more paper");
    }
    for (int r = 0; r < 2; ++r)
        EXPECT_NE(heard[static_cast<std::size_t>(r)].find("rank 2 has ended: no more paper"),
                  std::string::npos)
            << heard[static_cast<std::size_t>(r)];
}

TEST(Group, BadArguments) {
    run_quick(2, [](const Group& group) {
        EXPECT_THROW(group.broadcast(ones({2}), 2), IndexError);
        EXPECT_THROW(group.broadcast(Tensor()), ValueError);
        EXPECT_THROW(group.send(ones({2}), group.rank()), ValueError);
        EXPECT_THROW(group.all_reduce(ones({2}).to(i64), ReduceOp::mean), DTypeError);
        EXPECT_THROW(group.reduce_scatter(ones({3})), ShapeError);
        EXPECT_THROW(group.all_gather(Tensor(1.0)), ShapeError);
        EXPECT_THROW((void)group.all_gather_async(ones({3}), ones({2})), ShapeError);
        EXPECT_THROW((void)group.all_gather_async(ones({4}).to(f64), ones({2})), DTypeError);
        EXPECT_THROW((void)group.all_gather_async(ones({4}).to(toy_device()), ones({2})), DeviceError);
        group.barrier();
    });
    EXPECT_THROW(run_threads(2,
                             [](const Group& group) {
                                 if (group.rank() == 1) throw 7;
                                 group.barrier();
                             }),
                 int);
    EXPECT_THROW(run_threads(0, [](const Group&) {}), ValueError);
    EXPECT_THROW(run_threads(1, [](const Group&) {}, {.timeout = std::chrono::milliseconds(0)}), ValueError);
}

}  // namespace
}  // namespace adjoint::distributed
