// The seam between what computes and a capture in progress on this thread. Private.
#pragma once

#include <cstddef>
#include <functional>

#include <adjoint/core/backend.h>
#include <adjoint/core/storage.h>

namespace adjoint {

/// A capture in progress: stands in front of the backend of its device.
class Recorder : public Backend {
  public:
    virtual Device device() const = 0;
    /// Memory of the recording, which no other tensor is given while the recording lives.
    virtual Ref<Storage> allocate_storage(std::size_t bytes) = 0;
    /// A tensor that lived before the capture is gone; its memory is kept for the replays.
    virtual void keep(Storage* storage) = 0;
    /// The next update() takes its functor from `source` at each replay.
    virtual void update_from(std::function<UpdateOp()> source) = 0;
};

namespace detail {
extern constinit thread_local Recorder* recorder;
}

/// The capture of this thread, null outside of one.
inline Recorder* recorder() noexcept { return detail::recorder; }

/// Throws CaptureError naming `what` inside a capture.
void check_not_capturing(const char* what);

/// Makes a recorder the one of this thread for as long as it lives.
class RecorderScope {
  public:
    explicit RecorderScope(Recorder& recorder) noexcept { detail::recorder = &recorder; }
    ~RecorderScope() { detail::recorder = nullptr; }
    RecorderScope(const RecorderScope&) = delete;
    RecorderScope& operator=(const RecorderScope&) = delete;
};

}  // namespace adjoint
