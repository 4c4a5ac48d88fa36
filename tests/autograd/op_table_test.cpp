// Runs every row of the operator table on the CPU, and looks whether every operator has one.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "op_table/checks.h"

namespace adjoint::table {
namespace {

constexpr Device cpu = Device::cpu();

// One test per operator, over its rows.
class OpTable : public testing::TestWithParam<std::string> {
  protected:
    template <class F> void each_row(F f) const {
        for (const Row& row : rows()) {
            if (row.op != GetParam()) continue;
            SCOPED_TRACE(row.name());
            f(row);
        }
    }
};

TEST_P(OpTable, Value) {
    each_row([](const Row& row) { expect_values(row, cpu); });
}

TEST_P(OpTable, HalfPrecision) {
    each_row([](const Row& row) { expect_half_precision(row, cpu); });
}

TEST_P(OpTable, Layouts) {
    each_row([](const Row& row) {
        expect_any_layout(row, cpu);
        if (row.differentiable) expect_any_incoming_layout(row, cpu);
    });
}

TEST_P(OpTable, Gradient) {
    each_row([](const Row& row) {
        if (!row.differentiable) return;
        expect_derivatives(row, cpu);
        expect_single_precision(row, cpu);
    });
}

INSTANTIATE_TEST_SUITE_P(Rows, OpTable, testing::ValuesIn(all_operators()),
                         [](const testing::TestParamInfo<std::string>& at) { return at.param; });

TEST(OpTableNames, EveryOperatorHasARow) {
    const std::vector<std::string> declared = declared_operators();
    ASSERT_GT(declared.size(), 100u) << "the headers could not be read";
    std::set<std::string> covered, names;
    for (const Row& row : rows()) {
        covered.insert(row.op);
        EXPECT_TRUE(names.insert(row.name()).second) << "two rows are called " << row.name();
    }
    for (const std::string& op : declared)
        EXPECT_TRUE(covered.contains(op) || exempt_operators().contains(op))
            << op << " is declared in autograd/ and has no row in tests/op_table_*.cpp";
    for (const auto& [op, reason] : exempt_operators())
        EXPECT_TRUE(std::find(declared.begin(), declared.end(), op) != declared.end() &&
                    !covered.contains(op))
            << op << " needs no exemption (" << reason << ")";
    for (const std::string& op : covered)
        EXPECT_TRUE(std::find(declared.begin(), declared.end(), op) != declared.end())
            << op << " has a row but no declaration";
}

}  // namespace
}  // namespace adjoint::table
