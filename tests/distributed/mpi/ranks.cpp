// The checks of a group over MPI. Started by mpirun; each rank is a GoogleTest program of its own.
// usage: mpirun -n N test_mpi [differ | leave | throw]     ways to fail, of which the error is printed
#include <adjoint/distributed/mpi/mpi.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/core/tensor/creation.h>

#include "distributed/checks.h"

namespace adjoint::distributed {
namespace {

const Group* group = nullptr;

TEST(Mpi, ReduceEveryType) { reduces_every_type(*group); }
TEST(Mpi, MoveEveryType) { moves_every_type(*group); }
TEST(Mpi, SendEveryType) { sends_every_type(*group); }
TEST(Mpi, SumInTheOrderOfTheRanks) { sums_in_the_order_of_the_ranks(*group); }
TEST(Mpi, ASecondGroupIsAnError) { EXPECT_THROW(mpi_group(), DistributedError); }
TEST(Mpi, SaysWhatServes) {
    EXPECT_TRUE(mpi_available());
    EXPECT_FALSE(mpi_description().empty());
    EXPECT_STREQ(group->engine(), "mpi");
}

// How ranks fail.
int scene(const std::string& what) {
    try {
        const Group all = mpi_group({.timeout = std::chrono::seconds(what == "leave" ? 5 : 60),
                                     .summation = what == "sum" ? Summation::by_engine : Summation::by_rank});
        if (what == "differ") all.all_reduce(ones({2 + all.rank()}));
        if (what == "throw" && all.rank() == 1) throw ValueError("no more paper");
        if (what == "sum") {
            const Tensor x = full({3000}, all.rank() + 1);
            all.all_reduce(x, ReduceOp::mean);
            std::printf("mean %g\n", x.to_vector<double>()[2999]);
            return 0;
        }
        if (what != "leave" || all.rank() != 1) all.barrier();
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
    return argc > 1 ? adjoint::distributed::scene(argv[1]) : adjoint::distributed::all_tests();
}
