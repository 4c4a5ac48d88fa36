// What a program can ask about CUDA. It compiles and links without CUDA, too, and then says what is missing.
#pragma once

#include <cstdint>
#include <string>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/export.h>

namespace adjoint::cuda {

/// Whether there is a device that this build can use.
ADJOINT_API bool is_available();
/// Devices that the driver shows; 0 without a driver.
ADJOINT_API int device_count();
/// Why is_available() is false and what to do about it; empty when it is true.
ADJOINT_API std::string unavailable_reason();

/// The first device that this build can use, else the CPU.
/// Where there is an NVIDIA driver all the same, a warning says why.
ADJOINT_API Device automatic_device();

/// One device as the driver describes it.
struct Properties {
    std::string name;
    int major = 0, minor = 0;  ///< compute capability: 9, 0 is sm_90
    int multiprocessors = 0;
    std::int64_t memory = 0;  ///< bytes
    std::string problem;      ///< why this build cannot use the device and what to do; empty if it can
};
/// errors: DeviceError if there is no such device.
ADJOINT_API Properties properties(Device device = Device::cuda());

/// A part of the software below the library.
struct Component {
    std::string version;   ///< empty if missing
    std::string location;  ///< the file, where it is one
    std::string problem;   ///< what is missing and how to mend it; empty if all is well
};
/// The versions that were found.
struct Software {
    std::string architectures;  ///< that this build has code for: "sm_90"
    Component toolkit, driver, cublaslt, cudnn, nccl;
};
/// Opens cuBLASLt, cuDNN and NCCL where there is a device; without one it only looks for the files.
ADJOINT_API Software software();

/// Waits until the device has done all it was given.
/// errors: what a kernel reported (IndexError, CudaError).
ADJOINT_API void synchronize(Device device = Device::cuda());
/// Whether ADJOINT_CUDA_SYNC asks to wait after every launch, so that an error names its op.
/// Steps are then not captured by themselves.
ADJOINT_API bool waits_after_launches();
/// How often a thread of this process has waited for a device: item(), copies to the host, synchronize().
ADJOINT_API std::int64_t sync_count() noexcept;

/// Bytes of a device.
struct MemoryStats {
    std::int64_t in_use = 0;              ///< bytes of living tensors
    std::int64_t peak = 0;                ///< the most that `in_use` was
    std::int64_t workspace = 0;           ///< bytes that calls and captured graphs hold for themselves
    std::int64_t cached = 0;              ///< bytes held for reuse
    std::int64_t segments = 0;            ///< pieces taken from the driver and held
    std::int64_t system_allocations = 0;  ///< pieces taken from the driver since start
};
/// Figures of the allocator of one device.
/// errors: DeviceError if there is no such device.
ADJOINT_API MemoryStats memory_stats(Device device = Device::cuda());
/// Gives what is cached and not part of a captured graph back to the driver.
ADJOINT_API void empty_cache(Device device = Device::cuda());

}  // namespace adjoint::cuda
