// Every row of the operator table on the emulated device.
#include <gtest/gtest.h>

#include "emulated_device.h"
#include "emulator.h"
#include "op_table/checks.h"

namespace adjoint::table {
namespace {

// One test per operator, over its rows.
class EmulatedOpTable : public testing::TestWithParam<std::string> {
  protected:
    void TearDown() override { emulator::set_order(emulator::Order::forward); }

    template <class F> void each_row(F f) const {
        const Device device = emulated_device();
        for (const Row& row : rows()) {
            if (row.op != GetParam()) continue;
            SCOPED_TRACE(row.name());
            f(row, device);
        }
    }
};

TEST_P(EmulatedOpTable, Everything) { each_row(expect_everything); }

TEST_P(EmulatedOpTable, AsOnCpu) { each_row(expect_as_on_cpu); }

TEST_P(EmulatedOpTable, AsOnCpuInReverseOrder) {
    emulator::set_order(emulator::Order::reverse);
    each_row(expect_as_on_cpu);
}

INSTANTIATE_TEST_SUITE_P(Rows, EmulatedOpTable, testing::ValuesIn(all_operators()),
                         [](const testing::TestParamInfo<std::string>& at) { return at.param; });

}  // namespace
}  // namespace adjoint::table
