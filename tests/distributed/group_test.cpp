// Every operation of a group for every type, over ranks that are threads.
#include <adjoint/distributed/group/group.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <adjoint/autograd/ops/arithmetic.h>
#include <adjoint/core/base/error.h>
#include <adjoint/core/contract/generator.h>
#include <adjoint/core/tensor/creation.h>

#include "device/compare.h"
#include "distributed/ranks.h"
#include "toy_device/toy_device.h"

namespace adjoint::distributed {
namespace {

using device::every_type;
using device::expect_same_bits;

// What rank `rank` gives: whole numbers, so that sums are exact in every type.
Tensor given(int rank, std::int64_t count, DType type) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < count; ++i)
        values.push_back(static_cast<double>((i * 7 + rank * 3) % (type == boolean ? 2 : 11)));
    return tensor(values, {count}).to(type);
}

double of_all(ReduceOp op, const std::vector<double>& values) {
    double result = values[0];
    for (std::size_t r = 1; r < values.size(); ++r) {
        if (op == ReduceOp::sum || op == ReduceOp::mean) result += values[r];
        if (op == ReduceOp::max) result = std::max(result, values[r]);
        if (op == ReduceOp::min) result = std::min(result, values[r]);
    }
    return op == ReduceOp::mean ? result / static_cast<double>(values.size()) : result;
}

Tensor reduced(int ranks, std::int64_t count, DType type, ReduceOp op) {
    std::vector<std::vector<double>> all;
    for (int r = 0; r < ranks; ++r) all.push_back(given(r, count, type).to_vector<double>());
    std::vector<double> result;
    for (std::size_t i = 0; i < all[0].size(); ++i) {
        std::vector<double> values;
        for (const std::vector<double>& one : all) values.push_back(one[i]);
        result.push_back(of_all(op, values));
    }
    return tensor(result, {count}).to(type);
}

class Ranks : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, Ranks, ::testing::Values(1, 2, 3, 4));

TEST_P(Ranks, ReduceEveryTypeAndSize) {
    const int ranks = GetParam();
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 7, 2049, 5000})
            for (const ReduceOp op : {ReduceOp::sum, ReduceOp::mean, ReduceOp::max, ReduceOp::min}) {
                if (op == ReduceOp::mean && !is_floating(type)) continue;
                const Tensor expected = reduced(ranks, count, type, op);
                run_quick(ranks, [&](const Group& group) {
                    const Tensor x = given(group.rank(), count, type);
                    group.all_reduce(x, op);
                    expect_same_bits(expected, x, name(type));
                });
            }
}

TEST_P(Ranks, MoveEveryTypeAndSize) {
    const int ranks = GetParam();
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 1025, 5001})
            run_quick(ranks, [&](const Group& group) {
                const int last = ranks - 1;
                const Tensor sent = given(group.rank(), count, type);
                group.broadcast(sent, last);
                expect_same_bits(given(last, count, type), sent, "broadcast");

                const Tensor all = group.all_gather(given(group.rank(), count, type));
                ASSERT_EQ(all.shape(), Shape({ranks * count}));
                for (int r = 0; r < ranks; ++r)
                    expect_same_bits(given(r, count, type), detached_view(all, {count}, {1}, r * count),
                                     "all_gather");

                const Tensor mine = given(group.rank(), ranks * count, type);
                const Tensor turned = group.all_to_all(mine);
                for (int r = 0; r < ranks; ++r)
                    expect_same_bits(
                        detached_view(given(r, ranks * count, type), {count}, {1}, group.rank() * count),
                        detached_view(turned, {count}, {1}, r * count), "all_to_all");

                const Tensor part = group.reduce_scatter(mine);
                const Tensor whole = mine.clone();
                group.all_reduce(whole);
                expect_same_bits(detached_view(whole, {count}, {1}, group.rank() * count), part,
                                 "reduce_scatter");
                group.barrier();
            });
}

TEST_P(Ranks, SendAndReceive) {
    const int ranks = GetParam();
    if (ranks == 1) return;
    for (const DType type : every_type)
        for (const std::int64_t count : {0, 1, 3, 100001})
            run_quick(ranks, [&](const Group& group) {
                const int next = (group.rank() + 1) % ranks, before = (group.rank() + ranks - 1) % ranks;
                group.send(given(group.rank(), count, type), next);
                const Tensor x = empty({count}, {.dtype = type});
                group.recv(x, before);
                expect_same_bits(given(before, count, type), x, "recv");
            });
}

// The order of the ranks shows in the last bits.
TEST_P(Ranks, SumsInTheOrderOfTheRanks) {
    const int ranks = GetParam();
    for (const std::int64_t count : {5, 3000}) {
        std::vector<Tensor> parts;
        manual_seed(3);
        for (int r = 0; r < ranks; ++r) parts.push_back(randn({count}));
        Tensor sum = parts[0].clone();
        for (int r = 1; r < ranks; ++r) sum = sum + parts[static_cast<std::size_t>(r)];
        run_quick(ranks, [&](const Group& group) {
            const Tensor x = parts[static_cast<std::size_t>(group.rank())].clone();
            group.all_reduce(x);
            expect_same_bits(sum, x, "sum");
        });
    }
}

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
    const std::string missing = error_of(
        3,
        [](const Group& group) {
            if (group.rank() != 1) group.all_reduce(ones({2}));
        },
        std::chrono::seconds(2));
    EXPECT_NE(missing.find("has waited 2 s in all_reduce (sum) of f32 (2,)"), std::string::npos) << missing;
    EXPECT_NE(missing.find("nothing comes from rank 1 on "), std::string::npos) << missing;
}

// Nobody waits for a rank that has ended: generous time-out, the test ends at once.
TEST(Group, ARankThatThrowsEndsTheOthers) {
    std::vector<std::string> heard(3);
    try {
        run_threads(3, [&](const Group& group) {
            if (group.rank() == 2) throw ValueError("no more paper");
            try {
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
    EXPECT_THROW(run_threads(0, [](const Group&) {}), ValueError);
    EXPECT_THROW(run_threads(1, [](const Group&) {}, {.timeout = std::chrono::milliseconds(0)}), ValueError);
}

}  // namespace
}  // namespace adjoint::distributed
