// A CUDA runtime that computes nothing and looks at every call: linked in the place of cudart, on machines
// without a GPU.
//
// Streams are queues that run as late as they may, at a call that waits for them, so that work which nobody
// waits for is seen not to have been done. What no CUDA program may do is a violation and ends the program.
// Device memory has addresses that the host cannot touch, and no address is given out twice. Kernels run
// where somebody runs them (executor.h).
//
// In the environment: ADJOINT_FAKE_CUDA_DEVICES=1 (it is 2); ADJOINT_FAKE_CUDA_FAIL=cudaMalloc:3, so that the
// third call fails; ADJOINT_FAKE_CUDA_REPORT=1, which prints calls and work by name at the end.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace adjoint::fake_cuda {

/// Says what, in which call and where from, and aborts.
[[noreturn]] void violation(const std::string& what);

// Of calls, those of the faked libraries included:
using Counts = std::map<std::string, long>;
/// How often each was made so far.
Counts calls();
/// The call `name` that is the n-th from now on, counted from 1, fails and does nothing. One at a time.
void fail(const std::string& name, long n);
/// Whether it was made.
bool has_failed();
/// For those who fake a library: counts a call; false if it is to fail.
bool begin_call(const char* name);

/// Of the calling thread.
int current_device();

/// Work of streams by name, that of graphs included at each launch.
Counts work();
/// Names of work in the order in which it was queued, each with its stream's number: "memcpy to device @2".
std::vector<std::string> work_log();
/// Pieces of work of a stream that have not run.
std::size_t queued_on(std::size_t stream);
/// Lets time pass for one stream, and for those that it waits for.
void run_stream(std::size_t stream);

/// Bytes that cudaMalloc and cudaMallocAsync have given out, on all devices.
std::size_t device_bytes();
/// Kernels whose parameters and limits were found in the program, and all that it has.
struct KernelCount {
    int known, all;
};
KernelCount kernels();

/// The name of a kernel as it is said: "map_dense<float, Relu>".
std::string readable(const char* mangled);

/// What a piece of work does to memory of a device; `touches` where only the first byte is known.
struct Access {
    enum Kind { reads, writes, touches };
    const void* data;
    std::size_t bytes;
    Kind kind;
};
struct Work {
    std::string name;
    std::vector<Access> accesses;
    std::function<void()> run = {};  // where it does something
};
/// Queues work that needs the stream's device to be current; `any_device`: that does not.
/// A violation if an operand is not in memory that the device has now, or if other work that nobody waited
/// for does something to it as well.
void enqueue(cudaStream_t stream, Work work, bool any_device = false);

}  // namespace adjoint::fake_cuda
