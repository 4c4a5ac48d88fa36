// Every function that is asked of cuDNN is in the library.
#include <gtest/gtest.h>

#include <adjoint/cuda/libraries/cudnn_table.h>

#include "table_check.h"

using namespace adjoint;
using namespace adjoint::cuda_backend;

TEST(CudnnTable, Resolves) {
    const Library<Cudnn>& library = cudnn();
    if (!library.handle) GTEST_SKIP() << library.problem;
    expect_resolved(library, cudnn_component(true), CUDNN_MAJOR);
}
