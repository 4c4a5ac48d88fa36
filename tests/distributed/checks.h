// What holds in a group of any size over any engine; every rank calls it. Failures are GoogleTest's.
#pragma once

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

void reduces_every_type(const Group& group);
void moves_every_type(const Group& group);
void sends_every_type(const Group& group);
/// To the last bit.
void sums_in_the_order_of_the_ranks(const Group& group);

}  // namespace adjoint::distributed
