// Bad arguments: each is refused by an error that leads with the operation and names what is wrong, nothing
// is lost, and the next good call works.
#include "refusals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <adjoint/core/base/error.h>

#include "op_table/checks.h"

namespace adjoint::table {
namespace {

BadCalls bad_calls() {
    BadCalls calls;
    add_bad_elementwise(calls);
    add_bad_losses(calls);
    add_bad_shapes(calls);
    add_bad_indices(calls);
    add_bad_sums(calls);
    add_bad_products(calls);
    add_bad_windows(calls);
    add_bad_poolings(calls);
    add_bad_layers(calls);
    return calls;
}

// The operator's first row in the table of good calls.
void expect_good_call(const std::string& op) {
    const auto row = std::find_if(rows().begin(), rows().end(), [&](const Row& r) { return r.op == op; });
    if (row != rows().end()) expect_values(*row, Device::cpu());
}

TEST(Refusal, IsAnErrorThatNamesTheArgumentAndLosesNothing) {
    const BadCalls calls = bad_calls();
    EXPECT_GE(calls.size(), 380u);
    for (const BadCall& bad : calls) {
        SCOPED_TRACE(bad.op + ", " + bad.names);
        std::string message = "none";
        try {
            bad.call();
        } catch (const Error& error) {
            message = error.what();
        }
        const std::string leads = bad.leads.empty() ? bad.op : bad.leads;
        EXPECT_EQ(message.rfind(leads + ":", 0), 0u) << "the message is \"" << message << '"';
        EXPECT_NE(message.find(bad.names, std::min(message.size(), leads.size())), std::string::npos)
            << "the message is \"" << message << '"';
        expect_good_call(bad.op);
    }
}

TEST(Refusal, EveryOperatorHasABadCall) {
    std::set<std::string> refusing;
    for (const BadCall& bad : bad_calls()) refusing.insert(bad.op);
    for (const std::string& op : declared_operators())
        EXPECT_TRUE(refusing.contains(op)) << op << " has no bad call in tests/autograd/refusals_*.cpp";
}

}  // namespace
}  // namespace adjoint::table
