// What ranks tell each other in words. Private.
#pragma once

#include <string>
#include <vector>

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// The texts of all ranks, by rank.
std::vector<std::string> gathered(const Group& group, const std::string& text);

/// The lines of `text` have to be those of all ranks.
/// errors: DistributedError "fit: rank 0 has lr 0.1, rank 2 has lr 0.2; " and `rule`.
void check_same(const Group& group, const char* op, const std::string& text, const char* rule);

}  // namespace adjoint::distributed
