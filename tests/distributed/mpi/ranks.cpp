// The checks of a group over MPI. Started by mpirun; each rank is a GoogleTest program of its own.
// usage: mpirun -n N test_mpi [SCENE]     ways to fail, of which the error is printed: scene() knows them
//        mpirun -n N test_mpi fit CHECKPOINT PARTS [RANK MILLISECONDS]     a training that goes on from its
//        checkpoint and prints its weights; that rank is killed so long after the first step
#include <adjoint/distributed/mpi/mpi.h>

#include <gtest/gtest.h>

#include <bit>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include <adjoint/adjoint.h>

#include "distributed/checks.h"

namespace adjoint::distributed {
namespace {

const Group* group = nullptr;

TEST(Mpi, ReduceEveryType) { reduces_every_type(*group); }
TEST(Mpi, MoveEveryType) { moves_every_type(*group); }
TEST(Mpi, SendEveryType) { sends_every_type(*group); }
TEST(Mpi, MeansOfShortTypes) { means_of_short_types(*group); }
TEST(Mpi, SumInTheOrderOfTheRanks) { sums_in_the_order_of_the_ranks(*group); }
TEST(Mpi, SumsRoundedOnceForgetNothing) { sums_rounded_once_forget_nothing(*group); }
TEST(Mpi, ASecondGroupIsAnError) { EXPECT_THROW(mpi_group(), DistributedError); }
TEST(Mpi, SaysWhatServes) {
    EXPECT_TRUE(mpi_available());
    EXPECT_FALSE(mpi_description().empty());
    EXPECT_STREQ(group->engine(), "mpi");
}

// How ranks fail.
int scene(const std::string& what) {
    try {
        if (started_process().value().rank == 1) {
            if (what == "gone") return 0;
            if (what == "absent") std::this_thread::sleep_for(std::chrono::hours(1));
        }
        const int seconds = what == "hang" || what == "gone" || what == "absent" ? 5
                            : what == "late"                                     ? 1
                                                                                 : 60;
        if (what == "absent") std::printf("said before");
        const Group all = mpi_group({.timeout = std::chrono::seconds(seconds),
                                     .summation = what == "sum" ? Summation::by_engine : Summation::by_rank});
        if (what == "differ") all.all_reduce(ones({2 + all.rank()}));
        if (what == "throw" && all.rank() == 1) throw ValueError("no more paper");
        if (what == "sum") {
            const Tensor x = full({3000}, all.rank() + 1);
            all.all_reduce(x, ReduceOp::mean);
            std::printf("mean %g\n", x.to_vector<double>()[2999]);
            return 0;
        }
        if (all.rank() == 1 && what == "leave") return 0;
        if (all.rank() == 1 && what == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
        if (what == "late") {
            // Of two messages one is taken.
            for (const int value : {1, 2})
                if (all.rank() == 0) all.send(full({3000}, value), 1);
            if (all.rank() == 1) all.recv(zeros({3000}), 0);
            if (all.rank() == 0) std::this_thread::sleep_for(std::chrono::seconds(4));
            return 0;
        }
        all.barrier();
        return 0;
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

// With steps of `parts` parts, whoever computes them.
int fit(const std::string& path, int parts, int doomed, int milliseconds) {
    try {
        const Group all = mpi_group({.timeout = std::chrono::seconds(60)});
        manual_seed(1);
        const Tensor x = randn({600, 8});
        const data::Dataset set{.inputs = x, .targets = gt(select(x, 1, 0), select(x, 1, 1)).to(i64)};
        const nn::Sequential net(nn::Linear(8, 30), nn::ReLU(), nn::Dropout(0.2), nn::Linear(30, 2));
        optim::Adam optimizer(net.parameters());
        std::thread killer;
        train::FitOptions options{.epochs = 4, .batch_size = 4, .verbose = false};
        options.callbacks.push_back(train::checkpoint({.path = path, .every_batches = 5}));
        options.callbacks.push_back({.on_batch = [&](train::Run&) {
            if (all.rank() != doomed || killer.joinable()) return;
            killer = std::thread([milliseconds] {
                std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
                std::raise(SIGKILL);
            });
        }});
        options.accumulate = parts / all.size();
        options.group = all;
        if (std::filesystem::exists(path)) options.resume = path;
        train::fit(net, nn::CrossEntropyLoss(), optimizer, set, options);
        if (killer.joinable()) killer.detach();
        std::string bits;
        for (const auto& [name, tensor] : net.state())
            for (const float value : tensor.to_vector<float>())
                bits += std::to_string(std::bit_cast<std::uint32_t>(value)) + " ";
        if (all.rank() == 0) std::printf("weights %zx\n", std::hash<std::string>()(bits));
        return 0;
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

int all_tests() {
    const Group all = mpi_group();
    group = &all;
    if (all.rank() > 0)
        delete testing::UnitTest::GetInstance()->listeners().Release(
            testing::UnitTest::GetInstance()->listeners().default_result_printer());
    const Tensor failed = full({1}, RUN_ALL_TESTS());
    all.all_reduce(failed, ReduceOp::max);
    return failed.item() > 0;
}

}  // namespace
}  // namespace adjoint::distributed

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc >= 4 && std::string(argv[1]) == "fit")
        return adjoint::distributed::fit(argv[2], std::atoi(argv[3]), argc > 4 ? std::atoi(argv[4]) : -1,
                                         argc > 5 ? std::atoi(argv[5]) : 0);
    return argc > 1 ? adjoint::distributed::scene(argv[1]) : adjoint::distributed::all_tests();
}
