// Index arithmetic of the kernels, on the host: sizes of none, of the last number of 32 bits, and beyond.
#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {
namespace {

TEST(EmulatedIndices, ADivisorDividesAsTheMachineDoes) {
    constexpr std::int64_t last = std::numeric_limits<std::int32_t>::max();
    for (const std::int64_t d :
         {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{7}, std::int64_t{1000},
          std::int64_t{65537}, std::int64_t{1} << 30, last - 1, last, last + 1, std::int64_t{1} << 40})
        for (const std::int64_t n :
             {std::int64_t{0}, std::int64_t{1}, d - 1, d, d + 1, 2 * d, last / 2, last - 1, last}) {
            if (n > last) continue;
            EXPECT_EQ(Divisor(d).divide(static_cast<std::uint32_t>(n)), n / d) << n << " / " << d;
            EXPECT_EQ(WideDivisor(d).divide(n), n / d) << n << " / " << d;
        }
    EXPECT_EQ(WideDivisor(3).divide(std::int64_t{1} << 50), (std::int64_t{1} << 50) / 3);
}

TEST(EmulatedIndices, ASizeOfNoneCanBeAsked) {
    EXPECT_EQ(Divisor(std::int64_t{0}).value, 1u);
    EXPECT_EQ(WideDivisor(0).divide(5), 5);
}

TEST(EmulatedIndices, MoreBlocksThanAGridHasAreAnErrorThatNamesTheOp) {
    EXPECT_EQ(block_count("softmax", std::numeric_limits<std::int32_t>::max()), 0x7fffffffu);
    for (const std::int64_t blocks : {std::int64_t{1} << 31, (std::int64_t{1} << 32) + 1}) try {
            block_count("softmax", blocks);
            ADD_FAILURE() << blocks;
        } catch (const CudaError& error) {
            EXPECT_EQ(std::string(error.what()).find("softmax: "), 0u) << error.what();
        }
}

}  // namespace
}  // namespace adjoint::cuda_backend
