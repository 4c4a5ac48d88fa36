// The place of parameters whose values are on another rank: there is no memory, and whoever reads or writes
// them hears of it. Private.
#pragma once

#include <adjoint/core/tensor/tensor.h>

namespace adjoint::distributed {

/// The device of what is absent. Nothing but a shape and a type is there.
/// errors: ValueError where so many kinds of devices are registered that there is no room for it.
Device absent_device();

/// Whether another rank has the values.
bool is_absent(const Tensor& parameter);
/// Takes the values away, for every handle of the parameter.
void make_absent(const Tensor& parameter);

}  // namespace adjoint::distributed
