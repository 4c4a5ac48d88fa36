// Which cards a build is for.
#include <gtest/gtest.h>

#include <adjoint/cuda/runtime/architectures.h>

using adjoint::cuda_backend::architecture_names;
using adjoint::cuda_backend::covers;

TEST(Architectures, RealCodeServesItsMajorVersion) {
    EXPECT_TRUE(covers("90-real", 9, 0));
    EXPECT_FALSE(covers("90-real", 8, 0));
    EXPECT_FALSE(covers("90-real", 10, 0));
    EXPECT_TRUE(covers("80-real 90-real", 8, 6));
    EXPECT_FALSE(covers("86-real", 8, 0));
}

TEST(Architectures, VirtualCodeServesAllLaterCards) {
    EXPECT_TRUE(covers("80-real 90-real 90-virtual", 12, 0));
    EXPECT_TRUE(covers("80", 9, 0));
    EXPECT_FALSE(covers("90-virtual", 8, 9));
}

TEST(Architectures, SpecificCodeServesOneCard) {
    EXPECT_TRUE(covers("90a-real", 9, 0));
    EXPECT_FALSE(covers("90a", 10, 0));
    EXPECT_TRUE(covers("native", 7, 5));
}

TEST(Architectures, Names) {
    EXPECT_EQ(architecture_names("80-real 90-real 90-virtual"), "sm_80 sm_90 compute_90");
    EXPECT_EQ(architecture_names("90;100a-real"), "sm_90 compute_90 sm_100a");
    EXPECT_EQ(architecture_names("native"), "native");
}
