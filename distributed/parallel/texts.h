// What ranks tell each other in words. Private.
#pragma once

#include <string>
#include <vector>

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// The texts of all ranks, by rank.
std::vector<std::string> gathered(const Group& group, const std::string& text);

}  // namespace adjoint::distributed
