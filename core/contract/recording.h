// What a device hands back for a recorded step, and the seam to a capture in progress on this thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/export.h>

namespace adjoint {

class Backend;
class Recorder;

/// A recorded step on its device.
class ADJOINT_API Recording {
  public:
    Recording() = default;
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    virtual ~Recording() = default;

    virtual void replay(std::int64_t times) = 0;
    virtual std::size_t calls() const = 0;
    /// A line for each call of the step.
    virtual std::string describe() const = 0;
};

namespace detail {
extern constinit thread_local Recorder* recorder;
}

/// The capture of this thread (core/memory/recorder.h), null outside of one.
inline Recorder* recorder() noexcept { return detail::recorder; }

/// The backend that records for `device`.
/// errors: CaptureError if the capture is of another device.
Backend& recording_backend(Device device);

/// Throws CaptureError naming `what` inside a capture.
void check_not_capturing(const char* what);

}  // namespace adjoint
