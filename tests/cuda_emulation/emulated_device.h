// A CUDA device that is emulated on the host.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/core/base/device.h>

namespace adjoint {

/// cuda:0 with the kernels of cuda/*.cu under the emulator, registered at the first call.
Device emulated_device();

/// The largest number that its kernels compute places with in 32 bits; 2^31 - 1 unless it was changed.
std::int64_t& emulated_narrow();

/// The multiplications of the largest product that is its own in any case; libraries are asked for others.
std::int64_t& emulated_small_product();

/// What every launch reports, as after an error that stays; empty while all is well.
std::string& emulated_error();

/// Bytes that it holds.
std::int64_t emulated_memory();

}  // namespace adjoint
