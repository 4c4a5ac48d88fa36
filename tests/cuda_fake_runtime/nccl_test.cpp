// Two devices that train together by NCCL, as threads of one process: what is enqueued in which order, and
// what becomes of a call that fails.
#include <adjoint/distributed/nccl/nccl.h>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <adjoint/adjoint.h>

#include "runtime/fake.h"

namespace adjoint {
namespace {

using distributed::Group;

// What each rank threw, or nothing.
std::vector<std::string> run_ranks(const std::function<void(const Group&, Device)>& f,
                                   distributed::Summation summation) {
    const auto ends = distributed::thread_engines(2);
    std::vector<std::string> said(2);
    std::vector<std::thread> threads;
    for (int r = 0; r < 2; ++r)
        threads.emplace_back([&, r] {
            const auto rank = static_cast<std::size_t>(r);
            const Device device = Device::cuda(r);
            try {
                f(Group(distributed::nccl_engine(ends[rank], device),
                        {.timeout = std::chrono::seconds(60), .summation = summation}),
                  device);
            } catch (const std::exception& error) {
                said[rank] = error.what();
                ends[rank]->announce(error.what());
            }
        });
    for (std::thread& thread : threads) thread.join();
    return said;
}

void train(const Group& group, Device device) {
    const nn::Sequential model(nn::Linear(40, 50), nn::ReLU(), nn::Linear(50, 30));
    model.to(device);
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    const distributed::DataParallel parallel(model, group, {.bucket_bytes = 5000});
    const Tensor x = ones({8, 40}, {.device = device});
    for (int step = 0; step < 3; ++step) {
        optimizer.zero_grad();
        parallel.backward(sum(model(x)));
        parallel.step(optimizer);
    }
    cuda::synchronize(device);
}

const std::vector<std::string> nothing(2);

TEST(NcclOnFakeRuntime, TrainsWithSumsInTheOrderOfTheRanks) {
    EXPECT_EQ(run_ranks(train, distributed::Summation::by_rank), nothing);
    fake_cuda::Counts calls = fake_cuda::calls();
    EXPECT_GT(calls["ncclSend"], 0);
    EXPECT_EQ(calls["ncclSend"], calls["ncclRecv"]);
    EXPECT_EQ(calls["ncclAllReduce"], 0);
    EXPECT_EQ(calls["ncclCommInitRank"], calls["ncclCommDestroy"]);
}

TEST(NcclOnFakeRuntime, TrainsWithItsOwnSums) {
    const long before = fake_cuda::calls()["ncclAllReduce"];
    EXPECT_EQ(run_ranks(train, distributed::Summation::by_engine), nothing);
    EXPECT_GE(fake_cuda::calls()["ncclAllReduce"] - before, 2 * 3 * 2)
        << "two buckets of three steps of two ranks";
}

// By way of the host, over an engine that knows no devices.
TEST(NcclOnFakeRuntime, NobodyNeedsItToTrain) {
    const long before = fake_cuda::calls()["ncclSend"];
    distributed::run_threads(2, [](const Group& group) { train(group, Device::cuda(group.rank())); });
    EXPECT_EQ(fake_cuda::calls()["ncclSend"], before);
}

TEST(NcclOnFakeRuntime, EveryOperation) {
    EXPECT_EQ(run_ranks(
                  [](const Group& group, Device device) {
                      const Tensor x = ones({6}, {.device = device});
                      group.broadcast(x);
                      group.all_reduce(x, distributed::ReduceOp::max);
                      group.reduce(x, 1);
                      group.reduce_scatter(x);
                      group.all_gather(x);
                      group.all_to_all(rand({4000, 2}, {.device = device}));
                      group.all_reduce(ones({0}, {.device = device}));
                      if (group.rank() == 0)
                          group.send(x, 1);
                      else
                          group.recv(x, 0);
                      group.barrier();
                  },
                  distributed::Summation::by_rank),
              nothing);
}

// The first of each call, and one in the middle of the work. Not of ncclCommInitRank: there the other rank
// waits within NCCL, which gives up by itself.
TEST(NcclOnFakeRuntime, ACallThatFailsEndsBothRanksWithAReason) {
    for (const auto& [call, n] : std::vector<std::pair<const char*, long>>{{"ncclGetUniqueId", 1},
                                                                           {"ncclGroupStart", 1},
                                                                           {"ncclGroupStart", 5},
                                                                           {"ncclGroupEnd", 1},
                                                                           {"ncclGroupEnd", 5},
                                                                           {"ncclSend", 1},
                                                                           {"ncclSend", 5},
                                                                           {"ncclRecv", 1},
                                                                           {"ncclRecv", 5},
                                                                           {"ncclCommGetAsyncError", 1}}) {
        fake_cuda::fail(call, n);
        const std::vector<std::string> said = run_ranks(train, distributed::Summation::by_rank);
        EXPECT_TRUE(fake_cuda::has_failed()) << call << " " << n << " was not made";
        bool named = false;
        for (const std::string& message : said) {
            named = named || message.find("NCCL reported unhandled cuda error") != std::string::npos;
            EXPECT_NE(message, "") << call << " " << n;
        }
        EXPECT_TRUE(named) << call << " " << n << ": " << said[0] << " | " << said[1];
        EXPECT_EQ(run_ranks(train, distributed::Summation::by_rank), nothing) << "after " << call;
    }
}

TEST(NcclOnFakeRuntime, IsDescribed) {
    EXPECT_EQ(distributed::nccl_description(), "2.27.0");
    EXPECT_NE(cuda::software().nccl.location.find("libnccl.so.2"), std::string::npos);
}

}  // namespace
}  // namespace adjoint
