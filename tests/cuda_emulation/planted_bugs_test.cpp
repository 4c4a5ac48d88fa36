// Kernels with the mistakes that people make, each beside the right one:
// the emulation has to tell them apart.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <adjoint/core/base/sanitizer.h>
#include <adjoint/cuda/kernels/fold.h>
#include <adjoint/cuda/kernels/launch.h>

namespace adjoint::cuda_backend {
namespace {

enum class Bug { none, first_barrier_missing, last_barrier_missing, one_too_far, wrong_stride };

/// Row sums of a matrix, a block per row, as in fold_group.
__global__ void row_sums(double* out, const double* x, std::int64_t columns, std::int64_t stride, Bug bug) {
    ADJOINT_SHARED(double, of_warps, warp_size);
    for (int pass = 0; pass < 2; ++pass) {
        double value = 0;
        const std::int64_t end = columns + (bug == Bug::one_too_far ? 1 : 0);
        for (std::int64_t i = threadIdx.x; i < end; i += blockDim.x) value += x[blockIdx.x * stride + i];
        for (unsigned mask = warp_size / 2; mask > 0; mask /= 2) value += exchange(value, mask);
        if (threadIdx.x % warp_size == 0) of_warps[threadIdx.x / warp_size] = value + pass;
        if (bug != Bug::first_barrier_missing) __syncthreads();
        double total = 0;
        for (unsigned w = 0; w < blockDim.x / warp_size; ++w) total += of_warps[w];
        if (bug != Bug::last_barrier_missing) __syncthreads();
        // Every thread writes the same, so that each has to have seen the right values.
        out[(blockIdx.x * 2 + static_cast<unsigned>(pass)) * blockDim.x + threadIdx.x] = total;
    }
}

/// Doubles the elements, a thread for each.
__global__ void doubled(float* out, const float* x, std::int64_t n, Bug bug) {
    const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
    if (i < n + (bug == Bug::one_too_far ? 1 : 0)) out[i] = 2 * x[i < n ? i : 0];
}

class PlantedBugsTest : public testing::Test {
  protected:
    static constexpr std::int64_t rows = 3, columns = 70, stride = 80;
    static constexpr unsigned threads = 96;

    void TearDown() override { emulator::set_order(emulator::Order::forward); }

    // Whether the kernel gives right sums.
    bool right_sums(Bug bug, emulator::Order order) {
        emulator::set_order(order);
        std::vector<double> x(rows * stride, std::nan("")), out(rows * 2 * threads);
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < columns; ++c)
                x[static_cast<std::size_t>(r * stride + c)] = static_cast<double>(r + c);
        launch(device_, "row_sums", &row_sums, dim3(rows), dim3(threads), 0, out.data(), x.data(), columns,
               bug == Bug::wrong_stride ? columns : stride, bug);
        for (std::size_t i = 0; i < out.size(); ++i) {
            const auto row = static_cast<double>(i / (2 * threads));
            const auto pass = static_cast<double>(i / threads % 2);
            if (out[i] != row * columns + columns * (columns - 1) / 2.0 + pass * 3) return false;
        }
        return true;
    }

    DeviceState device_;
};

TEST_F(PlantedBugsTest, TheRightKernelsPass) {
    EXPECT_TRUE(right_sums(Bug::none, emulator::Order::forward));
    EXPECT_TRUE(right_sums(Bug::none, emulator::Order::reverse));
    const auto out = std::make_unique<float[]>(100), x = std::make_unique<float[]>(100);
    launch_independent(device_, "doubled", &doubled, dim3(4), dim3(32), out.get(), x.get(), 100, Bug::none);
}

TEST_F(PlantedBugsTest, AMissingBarrierGivesWrongResults) {
    for (const auto order : {emulator::Order::forward, emulator::Order::reverse}) {
        EXPECT_FALSE(right_sums(Bug::first_barrier_missing, order));
        EXPECT_FALSE(right_sums(Bug::last_barrier_missing, order));
    }
}

TEST_F(PlantedBugsTest, AWrongStrideGivesWrongResults) {
    EXPECT_FALSE(right_sums(Bug::wrong_stride, emulator::Order::forward));
}

TEST_F(PlantedBugsTest, AReadPastTheRowGivesWrongResults) {
    EXPECT_FALSE(right_sums(Bug::one_too_far, emulator::Order::forward));
}

TEST_F(PlantedBugsTest, AStorePastTheEndIsReported) {
#if ADJOINT_ADDRESS_SANITIZER
    const auto out = std::make_unique<float[]>(100), x = std::make_unique<float[]>(100);
    EXPECT_DEATH(launch_independent(device_, "doubled", &doubled, dim3(4), dim3(32), out.get(), x.get(), 100,
                                    Bug::one_too_far),
                 "heap-buffer-overflow.*doubled");
#else
    GTEST_SKIP() << "bounds are AddressSanitizer's; this build is without it";
#endif
}

}  // namespace
}  // namespace adjoint::cuda_backend
