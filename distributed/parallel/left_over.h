// What compression has left over, by names as a checkpoint has it. Private.
#pragma once

#include <vector>

#include <adjoint/distributed/parallel/buckets.h>

namespace adjoint::distributed {

/// Of all ranks, on rank 0: "rank.0.3" of rank 0 and parameter 3, "order" of all parameters.
optim::NamedTensors left_over(const Group& group, const Sharding& sharding, const Buckets& buckets);
/// The part of this rank of it; where there are not as many ranks as then rank 0 has the sums of all.
/// errors: ValueError for another state, nothing is changed then.
void load_left_over(const Group& group, const Sharding& sharding, Buckets& buckets,
                    const optim::NamedTensors& state);

}  // namespace adjoint::distributed
