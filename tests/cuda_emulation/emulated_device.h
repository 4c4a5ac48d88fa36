// A CUDA device that is emulated on the host.
#pragma once

#include <cstdint>

#include <adjoint/core/base/device.h>

namespace adjoint {

/// cuda:0 with the kernels of cuda/*.cu under the emulator, registered at the first call.
Device emulated_device();

/// Bytes that it holds.
std::int64_t emulated_memory();

}  // namespace adjoint
