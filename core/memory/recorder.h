// A capture in progress, as those see it who take memory or update parameters. Private.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <adjoint/core/contract/backend.h>
#include <adjoint/core/memory/storage.h>

namespace adjoint {

/// Stands in front of the backend of its device.
class Recorder : public Backend {
  public:
    virtual Device device() const = 0;
    /// Memory of the recording, which no other tensor is given while the recording lives.
    virtual Ref<Storage> allocate_storage(std::size_t bytes) = 0;
    /// The last tensor on `storage` is gone. Whether the memory is kept for the replays: it is if it was
    /// there before the capture.
    virtual bool keep(Storage* storage) noexcept = 0;
    /// `what` lives as long as the recording.
    virtual void hold(std::shared_ptr<const void> what) = 0;
    /// The next Update takes its functor from `source` at each replay.
    virtual void update_from(std::function<UpdateOp()> source) = 0;
};

/// What is done once and not in the replays: the capture of this thread does not see it.
class Unrecorded {
  public:
    Unrecorded() noexcept : paused_(std::exchange(detail::recorder, nullptr)) {}
    Unrecorded(const Unrecorded&) = delete;
    Unrecorded& operator=(const Unrecorded&) = delete;
    ~Unrecorded() { detail::recorder = paused_; }

  private:
    Recorder* paused_;
};

}  // namespace adjoint
