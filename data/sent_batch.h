// A batch of a loader on its way to the device where it is wanted. Private.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <adjoint/core/contract/backend.h>
#include <adjoint/data/dataset.h>

namespace adjoint::data {

/// Whoever makes the batch sends it: where the device has a way for that, it travels beside what is computed
/// there. Whoever takes it lets it arrive.
class SentBatch {
  public:
    /// From any thread.
    /// errors: DeviceError; OutOfMemoryError.
    SentBatch(Batch batch, const std::optional<Device>& to);
    /// What is computed from now on finds it there.
    Batch arrived() &&;

  private:
    Batch batch_;
    std::optional<Device> to_;
    std::vector<std::shared_ptr<Delivery>> deliveries_;
};

}  // namespace adjoint::data
