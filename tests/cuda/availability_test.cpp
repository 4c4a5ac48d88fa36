// What a program learns about CUDA where there may be none.
#include <gtest/gtest.h>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/warning.h>
#include <adjoint/core/contract/backend.h>
#include <adjoint/core/contract/cuda_start.h>
#include <adjoint/core/contract/precision.h>
#include <adjoint/core/cuda/cuda.h>
#include <adjoint/core/tensor/creation.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temporary_folder.h"

using namespace adjoint;

namespace {

template <class F> std::string device_error(const F& f) {
    try {
        f();
    } catch (const DeviceError& error) {
        return error.what();
    }
    return "no DeviceError";
}

}  // namespace

TEST(Availability, AReasonIsGivenExactlyWhereThereIsNoDevice) {
    EXPECT_EQ(cuda::unavailable_reason().empty(), cuda::is_available());
    if (cuda::is_available()) {
        EXPECT_GT(cuda::device_count(), 0);
    }
}

TEST(Availability, WithoutADeviceTheErrorSaysWhyAndWhatToDo) {
    if (cuda::device_count() > 0) GTEST_SKIP() << "there is a device";
    const std::string text = device_error([] { backend(Device::cuda(0)); });
    EXPECT_EQ(text.find("cuda:0 is not available: "), 0u) << text;
    EXPECT_NE(text.find(cuda::unavailable_reason()), std::string::npos) << text;
    EXPECT_NE(text.find("Device::cpu()"), std::string::npos) << text;
    EXPECT_EQ(device_error([] { zeros({2}, {.device = Device::cuda(0)}); }), "zeros: " + text);
    EXPECT_NE(device_error([] { cuda::properties(); }).find(cuda::unavailable_reason()), std::string::npos);
    EXPECT_NE(device_error([] { cuda::memory_stats(); }).find(cuda::unavailable_reason()), std::string::npos);
}

TEST(Availability, ADriverIsSeenByItsFiles) {
    const TemporaryFolder root;
    EXPECT_FALSE(has_nvidia_driver(root.path()));
    std::filesystem::create_directories(root / "dev");
    const std::ofstream file(root / "dev/nvidiactl");
    EXPECT_TRUE(has_nvidia_driver(root.path()));
}

TEST(Availability, ACpuInThePlaceOfAGpuThatIsThereIsSaidOnceAndWhy) {
    std::vector<std::string> said;
    set_warning_handler([&](const std::string& text) { said.push_back(text); });
    EXPECT_EQ(automatic_device(1, true), Device::cuda(1));
    EXPECT_EQ(automatic_device({}, false), Device::cpu());
    EXPECT_TRUE(said.empty());
    for (int i = 0; i < 2; ++i) EXPECT_EQ(automatic_device({}, true), Device::cpu());
    set_warning_handler({});
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0], "computing on the CPU: " + cuda::unavailable_reason());
    EXPECT_EQ(cuda::automatic_device().is_cuda(), cuda::is_available());
}

TEST(Availability, AnUnknownDeviceIsNamed) {
    const int count = cuda::device_count();
    if (count == 0) GTEST_SKIP() << "there is no device";
    const std::string text = device_error([] { backend(Device::cuda(15)); });
    EXPECT_EQ(text.find("cuda:15: this machine has " + std::to_string(count) + " CUDA device"), 0u) << text;
}

TEST(Availability, TheCpuIsNotACudaDevice) {
    EXPECT_NE(device_error([] { cuda::synchronize(Device::cpu()); }).find("cpu is not a CUDA device"),
              std::string::npos);
}

TEST(Availability, WhatIsMissingHasAProblemAndWhatIsThereAVersion) {
    const cuda::Software all = cuda::software();
    for (const cuda::Component& part : {all.toolkit, all.cublaslt, all.cudnn})
        if (!part.location.empty()) {
            EXPECT_FALSE(part.version.empty()) << part.location;
        }
    EXPECT_TRUE(all.toolkit.problem.empty() != all.toolkit.version.empty());
}

TEST(Precision, IsTheHighestUntilChanged) {
    EXPECT_EQ(matmul_precision(), MatmulPrecision::highest);
    set_matmul_precision(MatmulPrecision::high);
    EXPECT_EQ(matmul_precision(), MatmulPrecision::high);
    EXPECT_STREQ(name(matmul_precision()), "high");
    set_matmul_precision(MatmulPrecision::highest);
}
