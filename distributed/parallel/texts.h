// What ranks tell each other: texts, and tensors by name. Private.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/optim/optimizer.h>

namespace adjoint::distributed {

/// The texts of all ranks, by rank.
std::vector<std::string> gathered(const Group& group, const std::string& text);

/// What all ranks have to have alike: a name, and it in words, as {"lr", "lr 0.1"}.
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts facts_of(const DataParallelOptions& options);

/// errors: DistributedError "fit: rank 0 has lr 0.1, rank 2 has lr 0.2; " and `rule`; the first name of which
/// they have not the same, "rank 2 has no lr" where it is not there at all.
void check_same(const Group& group, const char* op, const Facts& facts, const char* rule);

/// On rank 0 its own tensors, then those of the other ranks; elsewhere what is given. Rank 0 takes the tensor
/// of a name into `like(name)`.
optim::NamedTensors on_first_rank(const Group& group, const optim::NamedTensors& own,
                                  const std::function<Tensor(const std::string& name)>& like);

}  // namespace adjoint::distributed
