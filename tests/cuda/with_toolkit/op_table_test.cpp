// Every row of the operator table on a real device; one skipped test where there is none.
#include <gtest/gtest.h>

#include <adjoint/core/cuda/cuda.h>

#include "op_table/checks.h"

namespace adjoint::table {
namespace {

constexpr const char* no_device = "no_device";

std::set<std::string> operators() {
    return cuda::is_available() ? all_operators() : std::set<std::string>{no_device};
}

// One test per operator, over its rows.
class CudaOpTable : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        if (GetParam() == no_device) GTEST_SKIP() << cuda::unavailable_reason();
    }

    template <class F> void each_row(F f) const {
        for (const Row& row : rows()) {
            if (row.op != GetParam()) continue;
            SCOPED_TRACE(row.name());
            f(row, Device::cuda(0));
        }
    }
};

TEST_P(CudaOpTable, Everything) { each_row(expect_everything); }

TEST_P(CudaOpTable, AsOnCpu) { each_row(expect_as_on_cpu); }

INSTANTIATE_TEST_SUITE_P(Rows, CudaOpTable, testing::ValuesIn(operators()),
                         [](const testing::TestParamInfo<std::string>& at) { return at.param; });

}  // namespace
}  // namespace adjoint::table
