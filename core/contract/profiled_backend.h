// The device as one sees it who measures: each call is a span, and is waited for. Private.
#pragma once

#include <adjoint/core/contract/backend.h>

namespace adjoint {

/// `real`, the backend of `device`, or what stands in front of it while a session listens.
Backend& profiled_backend(Backend& real, Device device);

}  // namespace adjoint
