// How many launches a training step has on CUDA: a number that only falls.
#include <gtest/gtest.h>

#include "launch_count.h"

namespace adjoint {
namespace {

struct Expected {
    const char* work;
    std::size_t captured, eager;
};

TEST(Launches, OfATrainingStepAreSoMany) {
    for (const Expected& each : {Expected{"mlp-small", 5, 6}, Expected{"W1", 7, 8}, Expected{"W1-fit", 9, 10},
                                 Expected{"W2", 13, 14}, Expected{"W3", 11, 12}, Expected{"W4", 20, 20},
                                 Expected{"clip_grad_norm", 2, 2}}) {
        EXPECT_EQ(count_launches(each.work, LaunchMode::captured).size(), each.captured) << each.work;
        EXPECT_EQ(count_launches(each.work, LaunchMode::eager).size(), each.eager) << each.work;
    }
}

TEST(Launches, OfTheConvolutionalNetworkAreOfCudnnAndAtMostSixteenMore) {
    std::size_t own = 0;
    for (const CountedLaunch& launch : count_launches("W4", LaunchMode::captured))
        own += launch.op != "cudnn";
    EXPECT_LE(own, 16u);
}

TEST(Launches, HaveTheirBytesAndArithmetic) {
    const std::vector<CountedLaunch> launches = count_launches("mlp-small", LaunchMode::captured);
    // x, w and b of the first layer, and y.
    EXPECT_EQ(launches[0].bytes, 4 * (128 * 784 + 784 * 128 + 128 + 128 * 128));
    EXPECT_EQ(launches[0].operations, 2.0 * 128 * 784 * 128);
    EXPECT_GT(serial_time(launches, graph_boundary), 5 * graph_boundary);
    EXPECT_LE(critical_time(launches, graph_boundary), serial_time(launches, graph_boundary));
}

TEST(Launches, OfAnUnknownWorkAreRefused) {
    EXPECT_THROW(count_launches("W9", LaunchMode::eager), std::invalid_argument);
}

}  // namespace
}  // namespace adjoint
