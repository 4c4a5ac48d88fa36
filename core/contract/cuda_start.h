// The seam between core and the CUDA backend: written by cuda/, or by no_cuda.cpp
// in a build without it. Private.
#pragma once

#include <optional>
#include <string>

#include <adjoint/core/base/device.h>

namespace adjoint {

class Backend;

/// Starts device `index` if that is still to do.
/// errors: DeviceError that says why there is none and what to do.
Backend& start_cuda_device(int index);

/// Called by a thread before it waits for a device; cuda::sync_count() tells how often.
void count_cuda_sync() noexcept;

/// Whether a machine whose file system begins at `root` has an NVIDIA driver that is loaded.
bool has_nvidia_driver(const std::string& root);

/// automatic_device() where the devices that can be used, and the driver, are known.
Device automatic_device(std::optional<int> usable, bool driver);

/// Whether a variable of the environment is set to anything but 0.
bool is_wanted(const char* variable);

}  // namespace adjoint
