// Copies whose source has another order of dimensions than its target.
#pragma once

#include <adjoint/core/contract/loop.h>

namespace adjoint::cpu {

/// Copies where the loop is a transposition: the target is dense, elements that are neighbours in the
/// source are not in the target, and both have the same type of 4 or 8 bytes. False, and nothing done,
/// where it is not.
bool transposed_copy(const Loop<2>& loop);

}  // namespace adjoint::cpu
