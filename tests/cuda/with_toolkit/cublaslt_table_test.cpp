// Every function that is asked of cuBLASLt is in the toolkit's library; what is said when there is none.
#include <gtest/gtest.h>

#include <adjoint/cuda/libraries/cublaslt_table.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "table_check.h"
#include "temporary_folder.h"

using namespace adjoint;
using namespace adjoint::cuda_backend;

TEST(CublasLtTable, ResolvesInTheToolkit) {
    const Library<CublasLt>& library = cublaslt();
    if (!library.handle) GTEST_SKIP() << library.problem;
    expect_resolved(library, cublaslt_component(true), CUBLAS_VER_MAJOR);
}

TEST(LibrarySearch, NamesWhatWasTried) {
    const OpenLibrary library = open_library("libadjoint_no_such_library.so.1");
    EXPECT_EQ(library.handle, nullptr);
    for (const char* part :
         {"libadjoint_no_such_library.so.1 was not found; tried libadjoint_no_such_library.so.1",
          "/usr/local/cuda/lib64/libadjoint_no_such_library.so.1", "ADJOINT_CUDA_LIBRARIES"})
        EXPECT_NE(library.problem.find(part), std::string::npos)
            << "no \"" << part << "\" in: " << library.problem;
    EXPECT_TRUE(locate_library("libadjoint_no_such_library.so.1").empty());
}

TEST(LibrarySearch, StartsWithTheEnvironment) {
    ASSERT_EQ(setenv("ADJOINT_CUDA_LIBRARIES", "/first:/second", 1), 0);
    const std::vector<std::string> candidates = library_candidates("libx.so");
    unsetenv("ADJOINT_CUDA_LIBRARIES");
    ASSERT_GE(candidates.size(), 4u);
    EXPECT_EQ(candidates[0], "/first/libx.so");
    EXPECT_EQ(candidates[1], "/second/libx.so");
    EXPECT_EQ(candidates[2], "libx.so");
}

TEST(LibrarySearch, FindsTheWheelsOfAnEnvironment) {
    const TemporaryFolder folder;
    const std::string libraries = folder / "lib/python3.12/site-packages/nvidia/cu13/lib";
    std::filesystem::create_directories(libraries);
    const std::ofstream library(libraries + "/libx.so.13");
    ASSERT_EQ(setenv("VIRTUAL_ENV", folder.path().c_str(), 1), 0);
    const std::vector<std::string> candidates = library_candidates("libx.so.13");
    const std::string located = locate_library("libx.so.13");
    unsetenv("VIRTUAL_ENV");
    EXPECT_NE(std::ranges::find(candidates, libraries + "/libx.so.13"), candidates.end());
    EXPECT_EQ(located, libraries + "/libx.so.13");
}

TEST(LibrarySearch, TellsAVersionFromTheFile) {
    const cuda::Component component = located_component("libc.so.6", "");
    if (component.location.empty()) GTEST_SKIP() << "no libc.so.6 in the usual folders";
    EXPECT_EQ(component.version, "6");
    const cuda::Component missing = located_component("libadjoint_no_such_library.so.1", "do this");
    EXPECT_EQ(missing.problem, "libadjoint_no_such_library.so.1 was not found; do this");
}
