// What a device says that has no recurrent layers of its own and was asked for one all the same.
#include <adjoint/core/base/error.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>

namespace adjoint::call {

void compose(Backend&, const Recurrent&) { fail<DeviceError>("recurrence: this device has none of its own"); }

void compose(Backend&, const RecurrentBackward&) {
    fail<DeviceError>("recurrence_backward: this device has none of its own");
}

}  // namespace adjoint::call
