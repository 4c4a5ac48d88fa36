// What a device hands back for a recorded step, and the seam to a capture in progress on this thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
    /// The most that the tensors of the step take at once: what its calls hand to each other, and results.
    virtual std::size_t peak_bytes() const = 0;
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

/// Whether this thread records a step.
ADJOINT_API bool is_capturing() noexcept;

/// How many replays there were, of all threads, of steps that write tensors which were there before: such
/// writes are not counted by Tensor::version.
ADJOINT_API std::uint64_t writes_by_replays() noexcept;

/// Within a capture: what is held lives as long as the recording. For what a step reads and somebody else may
/// drop before, a cache for instance. Outside of one nothing is done.
ADJOINT_API void hold_for_replays(std::shared_ptr<const void> what);

/// Throws CaptureError naming `what` inside a capture.
void check_not_capturing(const char* what);

}  // namespace adjoint
