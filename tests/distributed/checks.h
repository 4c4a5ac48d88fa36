// What holds in a group of any size over any engine; every rank calls it. Failures are GoogleTest's.
#pragma once

#include <adjoint/distributed/group/group.h>

namespace adjoint::distributed {

void reduces_every_type(const Group& group);
void moves_every_type(const Group& group);
void sends_every_type(const Group& group);
void means_of_short_types(const Group& group);
/// To the last bit.
void sums_in_the_order_of_the_ranks(const Group& group);
/// In bf16, with nothing lost between them.
void sums_rounded_once_forget_nothing(const Group& group);

}  // namespace adjoint::distributed
