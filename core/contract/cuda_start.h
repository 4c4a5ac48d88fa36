// The seam between core and the CUDA backend: written by cuda/, or by no_cuda.cpp
// in a build without it. Private.
#pragma once

namespace adjoint {

class Backend;

/// Starts device `index` if that is still to do.
/// errors: DeviceError that says why there is none and what to do.
Backend& start_cuda_device(int index);

/// Called by a thread before it waits for a device; cuda::sync_count() tells how often.
void count_cuda_sync() noexcept;

/// Whether a variable of the environment is set to anything but 0.
bool is_wanted(const char* variable);

}  // namespace adjoint
