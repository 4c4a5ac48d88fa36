// Who runs kernels on the fake runtime, which by itself computes nothing.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <string>

namespace adjoint::fake_cuda {

struct KernelLaunch {
    const std::string& symbol;  // of the kernel, as the compiler names it
    dim3 grid, block;
    std::size_t shared_bytes;
    void** arguments;
    bool overlaps;  // may begin before what is in front of it has ended
};

/// Hears of all that is done to the memory that kernels may use.
class Executor {
  public:
    virtual ~Executor() = default;

    /// What the launch does when its turn comes; its arguments are gone by then.
    virtual std::function<void()> prepare(const KernelLaunch& launch) = 0;

    /// Memory is given out, on a device or pinned on the host; its bytes lie at `contents`. The host may
    /// write to pinned memory at any time.
    virtual void give(const void* data, std::size_t bytes, char* contents, bool pinned) = 0;
    virtual void take_back(const void* data) = 0;

    // Copies and fills:
    virtual void write(const void* data, std::size_t bytes) = 0;
    virtual void copy(const void* to, const void* from, std::size_t bytes) = 0;
    virtual void read(const void* data, std::size_t bytes) = 0;
};

/// The one that was set before the first call of the runtime; null where kernels do nothing.
inline Executor*& executor() {
    static Executor* one = nullptr;
    return one;
}

}  // namespace adjoint::fake_cuda
