// What a device says that has no attention of its own and was asked for it all the same.
#include <adjoint/core/base/error.h>
#include <adjoint/core/base/format.h>
#include <adjoint/core/contract/backend.h>

namespace adjoint::call {

void compose(Backend&, const Attend&) { fail<DeviceError>("attention: this device has none of its own"); }

void compose(Backend&, const AttendBackward&) {
    fail<DeviceError>("attention_backward: this device has none of its own");
}

}  // namespace adjoint::call
