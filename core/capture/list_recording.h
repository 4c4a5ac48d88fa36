// Recordings as lists of calls, for a device whose calls are done when they return. Private.
#pragma once

#include <functional>
#include <memory>

#include <adjoint/core/contract/backend.h>

namespace adjoint {

/// What such a device answers to Backend::record: a replay makes the calls of `step` again, one by one, on
/// `backend`, which is that of `device`.
/// errors: CaptureError.
std::shared_ptr<Recording> record_as_list(Backend& backend, Device device, const std::function<void()>& step,
                                          bool optimize);

}  // namespace adjoint
