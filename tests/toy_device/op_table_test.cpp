// Every row of the operator table on a device that has nothing but the required calls.
#include <gtest/gtest.h>

#include "op_table/checks.h"
#include "toy_device.h"

namespace adjoint::table {
namespace {

class ToyOpTable : public testing::TestWithParam<std::string> {
  protected:
    template <class F> void each_row(F f) const {
        for (const Row& row : rows()) {
            if (row.op != GetParam()) continue;
            SCOPED_TRACE(row.name());
            f(row, toy_device());
        }
    }
};

TEST_P(ToyOpTable, Everything) { each_row(expect_everything); }

TEST_P(ToyOpTable, AsOnCpu) { each_row(expect_as_on_cpu); }

INSTANTIATE_TEST_SUITE_P(Rows, ToyOpTable, testing::ValuesIn(all_operators()),
                         [](const testing::TestParamInfo<std::string>& at) { return at.param; });

}  // namespace
}  // namespace adjoint::table
