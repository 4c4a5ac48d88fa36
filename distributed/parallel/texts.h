// What ranks tell each other: texts, and tensors by name. Private.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <adjoint/distributed/parallel/data_parallel.h>
#include <adjoint/optim/optimizer.h>

namespace adjoint::distributed {

/// The texts of all ranks, by rank.
std::vector<std::string> gathered(const Group& group, const std::string& text);

/// In lines, for check_same.
std::string described(const DataParallelOptions& options);

/// The lines of `text` have to be those of all ranks.
/// errors: DistributedError "fit: rank 0 has lr 0.1, rank 2 has lr 0.2; " and `rule`.
void check_same(const Group& group, const char* op, const std::string& text, const char* rule);

/// On rank 0 its own tensors, then those of the other ranks; elsewhere what is given. Rank 0 takes the tensor
/// of a name into `like(name)`.
optim::NamedTensors on_first_rank(const Group& group, const optim::NamedTensors& own,
                                  const std::function<Tensor(const std::string& name)>& like);

}  // namespace adjoint::distributed
