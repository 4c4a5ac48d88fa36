// The table of bad calls: each operator with arguments it has to refuse, and what its message has to name.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::table {

struct BadCall {
    std::string op;
    std::string names;  ///< must occur in the message, after the operator's name
    std::function<void()> call;
    std::string leads = {};  ///< what the message leads with, if not the operator's name
};

using BadCalls = std::vector<BadCall>;

// The parts of the table, by topic.
void add_bad_elementwise(BadCalls& calls);
void add_bad_losses(BadCalls& calls);
void add_bad_shapes(BadCalls& calls);
void add_bad_indices(BadCalls& calls);
void add_bad_sums(BadCalls& calls);
void add_bad_products(BadCalls& calls);
void add_bad_windows(BadCalls& calls);
void add_bad_poolings(BadCalls& calls);
void add_bad_layers(BadCalls& calls);

}  // namespace adjoint::table
