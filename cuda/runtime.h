// What the kernels' side of the backend needs of a device: memory, its stream, the record of a fault.
//
// runtime.cpp writes these functions with the CUDA runtime, the emulation in tests/cuda_emulation with host
// memory.
#pragma once

#include <cstddef>
#include <cstdint>

struct CUstream_st;

namespace adjoint::cuda_backend {

using Stream = CUstream_st*;

/// The first wrong index that a kernel met, written by the device, thrown as an IndexError at the next
/// synchronisation. It lies where the device writes it and the host reads it.
struct Fault {
    unsigned long long op;  // the address of the op's name, a literal of this program; 0 while all is well
    long long value, position, low, high;
};

/// What there is of one device for the whole run of the program.
struct DeviceState {
    int index = 0;
    int multiprocessors = 1;
    Stream stream = nullptr;  // all computing
    Fault* fault = nullptr;   // never null once the device has started
};

/// Device memory of the stream: what one kernel releases the next may be given. Errors: OutOfMemoryError.
void* allocate(DeviceState& device, std::size_t bytes);
void release(DeviceState& device, void* memory, std::size_t bytes) noexcept;

/// Copies and fills in stream order. The copy to the host and synchronize() wait, and throw what a kernel
/// recorded in `fault`.
void copy_from_host(DeviceState& device, void* destination, const void* source, std::size_t bytes);
void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes);
void fill_bytes(DeviceState& device, void* destination, int value, std::size_t bytes);
void synchronize(DeviceState& device);

/// Makes `device` the one that the calling thread launches on.
void select(const DeviceState& device);
/// Looks at the outcome of a launch. Errors: CudaError that names the op.
void check_launch(const DeviceState& device, const char* op);

/// Device memory for the length of one backend call.
class Scratch {
  public:
    Scratch(DeviceState& device, std::size_t bytes)
        : device_(device), data_(allocate(device, bytes)), bytes_(bytes) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() { release(device_, data_, bytes_); }
    template <class T> T* as() const noexcept { return static_cast<T*>(data_); }

  private:
    DeviceState& device_;
    void* data_;
    std::size_t bytes_;
};

}  // namespace adjoint::cuda_backend
