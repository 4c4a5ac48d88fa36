// Operations of a group that are part of the graph: the gradient travels the other way.
#pragma once

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

/// Group::all_gather, recorded; the gradient of a rank's x is the sum over all ranks. Every rank has to run
/// the backward pass, too, in the same order.
/// errors: those of Group::all_gather.
ADJOINT_API Tensor all_gather(const Group& group, const Tensor& x);
/// Group::reduce_scatter of sums, recorded; the gradient is that of all ranks, one below the other.
/// errors: those of Group::reduce_scatter.
ADJOINT_API Tensor reduce_scatter(const Group& group, const Tensor& x);

}  // namespace adjoint::distributed
