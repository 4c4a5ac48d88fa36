// The main function of a test program whose kernels run in the machine. With ADJOINT_PTX_EVERY_KERNEL=1 each
// kernel has to have been launched at the end.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include <ptx/machine/executor.h>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    int failed = RUN_ALL_TESTS();
    const adjoint::ptx::KernelCount all = adjoint::ptx::count_of("");
    const std::vector<std::string> never = adjoint::ptx::never_launched();
    std::printf("%zu of %zu kernels ran; %lu launches, %lu instructions\n",
                adjoint::ptx::kernels().symbols().size() - never.size(),
                adjoint::ptx::kernels().symbols().size(), static_cast<unsigned long>(all.launches),
                static_cast<unsigned long>(all.instructions));
    if (std::getenv("ADJOINT_PTX_EVERY_KERNEL")) {
        for (const std::string& name : never) std::printf("nothing launches %s\n", name.c_str());
        failed += !never.empty();
    }
    return failed;
}
