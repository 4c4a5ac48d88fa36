// The emulator itself: what threads see of each other, and the mistakes it has to find.
#include "emulator.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace adjoint::emulator {
namespace {

class EmulatorTest : public testing::TestWithParam<Order> {
  protected:
    void SetUp() override { set_order(GetParam()); }
    void TearDown() override { set_order(Order::forward); }
};

void expect_error(const std::function<void()>& f, const std::string& part) {
    try {
        f();
        ADD_FAILURE() << "nothing was thrown; expected: " << part;
    } catch (const KernelError& error) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
        EXPECT_EQ(std::string(error.what()).find("kernel: block ("), 0u) << error.what();
    }
}

TEST_P(EmulatorTest, EveryThreadOfTheGridRunsOnce) {
    for (const bool independent : {false, true}) {
        const dim3 grid(3, 2, 2), block(5, 4, 3);
        std::vector<int> seen(grid.count() * block.count());
        run("kernel", grid, block, 0, independent, [&] {
            EXPECT_EQ(gridDim.x * 100 + blockDim.z, 303u);
            const unsigned b = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
            const unsigned t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
            ++seen.at(b * block.count() + t);
        });
        for (const int count : seen) EXPECT_EQ(count, 1);
    }
}

TEST_P(EmulatorTest, WhatStandsBeforeABarrierIsSeenBehindIt) {
    std::vector<unsigned> out(2 * 96);
    run("kernel", dim3(2), dim3(96), 0, false, [&] {
        ADJOINT_SHARED(unsigned, values, 96);
        values[threadIdx.x] = 1000 * blockIdx.x + threadIdx.x;
        __syncthreads();
        const unsigned other = values[95 - threadIdx.x];
        __syncthreads();
        values[threadIdx.x] = other;
        __syncthreads();
        out[blockIdx.x * 96 + threadIdx.x] = values[95 - threadIdx.x];
    });
    for (unsigned i = 0; i < 96; ++i) {
        EXPECT_EQ(out[i], i);
        EXPECT_EQ(out[96 + i], 1000 + i);
    }
}

TEST_P(EmulatorTest, ExchangesGiveTheValueOfTheOtherLane) {
    std::vector<double> sums(64), shifted(64);
    run("kernel", dim3(1), dim3(64), 0, false, [&] {
        double value = threadIdx.x;
        shifted[threadIdx.x] = __shfl_xor_sync(0xffffffffu, value, 5);
        // Exchanges one after the other, without anything between them.
        for (unsigned mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(0xffffffffu, value, mask);
        sums[threadIdx.x] = value;
    });
    for (unsigned i = 0; i < 64; ++i) {
        EXPECT_EQ(shifted[i], i ^ 5u);
        EXPECT_EQ(sums[i], i < 32 ? 496 : 496 + 32 * 32);
    }
}

TEST_P(EmulatorTest, WarpsAreFarApartBetweenBarriers) {
    // The order in which warps reach a place tells a kernel without a barrier from one with it.
    std::vector<unsigned> order;
    run("kernel", dim3(1), dim3(96), 0, false, [&] {
        if (threadIdx.x % 32 == 0) order.push_back(threadIdx.x / 32);
        if (threadIdx.x % 32 == 0) order.push_back(threadIdx.x / 32);
        __syncthreads();
    });
    const std::vector<unsigned> forward{0, 0, 1, 1, 2, 2}, reverse{2, 2, 1, 1, 0, 0};
    EXPECT_EQ(order, GetParam() == Order::forward ? forward : reverse);
}

TEST_P(EmulatorTest, SharedMemoryIsNewInEachBlock) {
    run("kernel", dim3(3), dim3(32), 16, false, [&] {
        ADJOINT_SHARED(unsigned char, fixed, 64);
        ADJOINT_DYNAMIC_SHARED(unsigned char, sized);
        if (threadIdx.x != 0) return;
        for (int i = 0; i < 64; ++i) EXPECT_EQ(fixed[i], 0xff);
        for (int i = 0; i < 16; ++i) EXPECT_EQ(sized[i], 0xff);
        fixed[0] = sized[0] = static_cast<unsigned char>(blockIdx.x);
    });
}

TEST_P(EmulatorTest, CompareAndSwapHasOneWinner) {
    unsigned long long place = 0;
    int winners = 0;
    run("kernel", dim3(4), dim3(64), 0, true, [&] {
        if (atomicCAS(&place, 0ull, 1ull + threadIdx.x) == 0) ++winners;
    });
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(place, GetParam() == Order::forward ? 1u : 64u);
}

TEST_P(EmulatorTest, ABarrierMissedByAThreadThatReturnedIsAnError) {
    expect_error(
        [] {
            run("kernel", dim3(1), dim3(64), 0, false, [] {
                if (threadIdx.x < 3) return;
                __syncthreads();
            });
        },
        "is not reached by 3 threads, which have returned");
}

TEST_P(EmulatorTest, DifferentBarriersAreAnError) {
    expect_error(
        [] {
            run("kernel", dim3(1), dim3(64), 0, false, [] {
                if (threadIdx.x % 2 == 0)
                    __syncthreads();
                else
                    __syncthreads();
            });
        },
        "threads wait at different barriers: emulator_test.cpp:");
}

TEST_P(EmulatorTest, AnExchangeWithoutTheWholeWarpIsAnError) {
    const auto part = [](unsigned threads) {
        run("kernel", dim3(1), dim3(threads), 0, false, [] {
            if (threadIdx.x % 32 < 31) __shfl_xor_sync(0xffffffffu, 1, 1);
        });
    };
    expect_error([&] { part(64); }, "is reached by 31 of the 32 lanes of warp");
    expect_error([&] { part(16); }, "is reached by 16 of the 32 lanes of warp 0");
}

TEST_P(EmulatorTest, AnExchangeBesideABarrierIsAnError) {
    expect_error(
        [] {
            run("kernel", dim3(1), dim3(32), 0, false, [] {
                if (threadIdx.x == 7)
                    __syncthreads();
                else
                    __shfl_xor_sync(0xffffffffu, 1, 1);
            });
        },
        "is reached by 31 of the 32 lanes of warp 0");
}

TEST_P(EmulatorTest, IndependentThreadsMayNotMeet) {
    expect_error([] { run("kernel", dim3(1), dim3(32), 0, true, [] { __syncthreads(); }); },
                 "a barrier at emulator_test.cpp:");
    expect_error(
        [] { run("kernel", dim3(1), dim3(32), 0, true, [] { __shfl_xor_sync(0xffffffffu, 1, 1); }); },
        "in a kernel that was launched as independent");
}

TEST_P(EmulatorTest, BadConfigurationsAreErrors) {
    const auto with = [](dim3 grid, dim3 block, std::size_t bytes) {
        return [=] { run("kernel", grid, block, bytes, false, [] {}); };
    };
    expect_error(with(dim3(0), dim3(32), 0), "the grid is empty or too large");
    expect_error(with(dim3(1, 65536), dim3(32), 0), "the grid is empty or too large");
    expect_error(with(dim3(1), dim3(1025), 0), "a block has 1 to 1024 threads");
    expect_error(with(dim3(1), dim3(0), 0), "a block has 1 to 1024 threads");
    expect_error(with(dim3(1), dim3(32), 1 << 20), "too much shared memory");
    expect_error(
        [] {
            run("kernel", dim3(1), dim3(32), 0, false, [] {
                ADJOINT_SHARED(double, large, 6145);
                large[threadIdx.x] = 0;
                __syncthreads();
            });
        },
        "49160 bytes of static shared memory");
}

TEST_P(EmulatorTest, RunsAgainAfterAnError) {
    for (int i = 0; i < 3; ++i) {
        expect_error(
            [] {
                run("kernel", dim3(2), dim3(64), 0, false, [] {
                    int local[8] = {};  // on the stack that is left behind
                    if (threadIdx.x == 5) return;
                    __syncthreads();
                    EXPECT_EQ(local[threadIdx.x % 8], 0);
                });
            },
            "is not reached by 1 threads");
        int count = 0;
        run("kernel", dim3(2), dim3(64), 0, false, [&] {
            __syncthreads();
            ++count;
        });
        EXPECT_EQ(count, 128);
    }
}

INSTANTIATE_TEST_SUITE_P(Orders, EmulatorTest, testing::Values(Order::forward, Order::reverse),
                         [](const testing::TestParamInfo<Order>& at) {
                             return at.param == Order::forward ? "Forward" : "Reverse";
                         });

}  // namespace
}  // namespace adjoint::emulator
