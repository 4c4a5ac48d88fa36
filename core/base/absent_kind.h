// A kind of device for what is not there. Private.
#pragma once

#include <adjoint/core/base/device.h>

namespace adjoint::detail {

/// As add_device_kind. Its one device is printed as `text` says, in any words, and not parsed.
/// errors: ValueError if there is no room.
DeviceType add_absent_kind(const char* text);

}  // namespace adjoint::detail
