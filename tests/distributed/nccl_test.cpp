// NCCL where there is none: every way to ask for it says what is missing, on every rank.
#include <adjoint/distributed/nccl/nccl.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <adjoint/core/base/error.h>
#include <adjoint/core/cuda/cuda.h>

namespace adjoint::distributed {
namespace {

template <class Kind> std::string message_of(const std::function<void()>& f) {
    try {
        f();
    } catch (const Kind& error) {
        return error.what();
    }
    return "nothing was thrown";
}

TEST(NcclEngine, IsForDevicesOfCuda) {
    const auto engines = thread_engines(1);
    EXPECT_NE(message_of<ValueError>([&] { nccl_engine(engines[0], Device::cpu()); }).find("no CUDA device"),
              std::string::npos);
    EXPECT_THROW(nccl_engine(Device::cpu()), ValueError);
}

TEST(NcclEngine, ARankThatHasNoneSaysWhy) {
    if (cuda::is_available()) GTEST_SKIP() << "there is a CUDA device";
    EXPECT_FALSE(nccl_description().empty());
    const auto engines = thread_engines(2);
    std::vector<std::string> said(2);
    std::vector<std::thread> threads;
    for (std::size_t r = 0; r < 2; ++r)
        threads.emplace_back([&, r] {
            said[r] = message_of<DistributedError>([&] { nccl_engine(engines[r], Device::cuda()); });
        });
    for (std::thread& thread : threads) thread.join();
    for (const std::string& message : said) {
        EXPECT_NE(message.find("nccl_engine: rank "), std::string::npos) << message;
        EXPECT_NE(message.find(cuda::unavailable_reason()), std::string::npos) << message;
    }
}

TEST(NcclEngine, AsksTheEnvironmentForTheOthers) {
    for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) unsetenv(name);
    const auto said = [] { return message_of<DistributedError>([] { nccl_engine(Device::cuda()); }); };
    EXPECT_NE(said().find("RANK is not set"), std::string::npos) << said();
    setenv("RANK", "first", 1);
    EXPECT_NE(said().find("RANK is \"first\", expected a number"), std::string::npos) << said();
    setenv("RANK", "2", 1);
    setenv("WORLD_SIZE", "2", 1);
    EXPECT_NE(said().find("RANK 2 of WORLD_SIZE 2"), std::string::npos) << said();
    setenv("RANK", "1", 1);
    EXPECT_NE(said().find("MASTER_ADDR is not set"), std::string::npos) << said();
    for (const char* name : {"RANK", "WORLD_SIZE"}) unsetenv(name);
}

}  // namespace
}  // namespace adjoint::distributed
