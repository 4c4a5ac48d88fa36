// Every function that is asked of cuDNN is in the library.
#include <gtest/gtest.h>

#include <adjoint/cuda/cudnn_table.h>

#include <string>

using namespace adjoint;
using namespace adjoint::cuda_backend;

TEST(CudnnTable, Resolves) {
    const Library<Cudnn>& library = cudnn();
    if (!library.handle) GTEST_SKIP() << library.problem;
    EXPECT_TRUE(library.usable()) << library.problem;
    Cudnn table = library.table;
    int entries = 0;
    table.each([&](const char* name, auto* entry) {
        ++entries;
        EXPECT_NE(entry, nullptr) << name << " in " << library.location;
        EXPECT_EQ(reinterpret_cast<void*>(entry), find_symbol(library, name)) << name;
    });
    // A pointer that `each` leaves out would stay null.
    EXPECT_EQ(sizeof table, static_cast<std::size_t>(entries) * sizeof(void*));
    const cuda::Component component = cudnn_component(true);
    EXPECT_EQ(component.version.find(std::to_string(CUDNN_MAJOR) + "."), 0u) << component.version;
}
