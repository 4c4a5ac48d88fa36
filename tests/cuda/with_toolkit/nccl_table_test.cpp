// Every function that is asked of NCCL is in the library.
#include <gtest/gtest.h>

#include <adjoint/cuda/libraries/nccl_table.h>

#include "table_check.h"

using namespace adjoint;
using namespace adjoint::cuda_backend;

TEST(NcclTable, Resolves) {
    const Library<Nccl>& library = nccl();
    if (!library.handle) GTEST_SKIP() << library.problem;
    expect_resolved(library, nccl_component(true), 2);
}
