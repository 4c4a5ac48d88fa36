// What errors of the CUDA runtime become.
#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/cuda/runtime/error.h>

#include <string>

using namespace adjoint;
using namespace adjoint::cuda_backend;

TEST(CudaErrors, LeadWithTheOperationAndEndWithAHint) {
    const std::string text = error_text(cudaErrorNoKernelImageForDevice, "add");
    EXPECT_EQ(text.find("add: CUDA reported cudaErrorNoKernelImageForDevice ("), 0u) << text;
    EXPECT_NE(text.find("CMAKE_CUDA_ARCHITECTURES"), std::string::npos) << text;
}

TEST(CudaErrors, StickyOnesAskForARestart) {
    const std::string text = error_text(cudaErrorIllegalAddress, "gather");
    EXPECT_NE(text.find("restarted"), std::string::npos) << text;
    EXPECT_NE(text.find("ADJOINT_CUDA_SYNC=1"), std::string::npos) << text;
    EXPECT_EQ(error_text(cudaErrorInvalidValue, "gather").find("restarted"), std::string::npos);
    EXPECT_FALSE(is_sticky(cudaErrorMemoryAllocation));
}

TEST(CudaErrors, HaveTheRightKind) {
    EXPECT_THROW(throw_error(cudaErrorMemoryAllocation, "allocate"), OutOfMemoryError);
    EXPECT_THROW(throw_error(cudaErrorIllegalAddress, "add"), CudaError);
    EXPECT_NO_THROW(check_cuda(cudaSuccess, "add"));
}
