// The one way in which kernels are started.
//
// Every kernel says how many threads its blocks have at most (__launch_bounds__), so that the compiler keeps
// its registers below what a multiprocessor has for as many. A second number, 1, is for those that would
// spill registers to have more blocks side by side. tests/house/resources.sh looks at both.
//
// Where the device overlaps launches (DeviceState::overlaps) a kernel starts while the one before it still
// runs, and waits in its first statement, wait_for_earlier(), until that has ended: what a start costs is
// hidden behind the end of the other, in a stream and in a graph. The machine for PTX of the tests looks at
// every kernel that it reads and writes nothing before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include <adjoint/core/base/error.h>
#include <adjoint/cuda/kernels/device_code.h>
#include <adjoint/cuda/runtime/runtime.h>
#if !defined(ADJOINT_CUDA_EMULATION)
#include <adjoint/cuda/runtime/error.h>
#endif

namespace adjoint::cuda_backend {

/// Starts `kernel` on the device's stream; `op` is who asked, for error messages.
template <class... Parameters, class... Args>
void launch(const DeviceState& device, const char* op, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            std::size_t shared_bytes, const Args&... args) {
#if defined(ADJOINT_CUDA_EMULATION)
    select(device);
    queue(device.stream, [=] {
        run(op, grid, block, shared_bytes, false, [&] { kernel(static_cast<Parameters>(args)...); });
    });
#else
    select(device);
    cudaLaunchAttribute overlap{};
    overlap.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    overlap.val.programmaticStreamSerializationAllowed = 1;
    const cudaLaunchConfig_t how{grid,          block,    shared_bytes,
                                 device.stream, &overlap, device.overlaps ? 1u : 0u};
    check_cuda(cudaLaunchKernelEx(&how, kernel, static_cast<Parameters>(args)...), op);
#endif
    check_launch(device, op);
}

/// The same for a kernel whose threads never meet: neither barrier nor warp exchange.
template <class... Parameters, class... Args>
void launch_independent(const DeviceState& device, const char* op, void (*kernel)(Parameters...), dim3 grid,
                        dim3 block, const Args&... args) {
#if defined(ADJOINT_CUDA_EMULATION)
    select(device);
    queue(device.stream,
          [=] { run(op, grid, block, 0, true, [&] { kernel(static_cast<Parameters>(args)...); }); });
    check_launch(device, op);
#else
    launch(device, op, kernel, grid, block, 0, args...);
#endif
}

/// `blocks` as the first size of a grid.
/// errors: CudaError where a grid has not so many.
inline unsigned block_count(const char* op, std::int64_t blocks) {
    if (blocks > std::numeric_limits<std::int32_t>::max()) [[unlikely]]
        throw CudaError(std::string(op) + ": " + std::to_string(blocks) + " blocks are more than a grid has");
    return static_cast<unsigned>(blocks);
}

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The smallest power of two that is at least n, between `low` and `high`.
constexpr int power_of_two(std::int64_t n, int low, int high) {
    while (low < high && low < n) low *= 2;
    return low;
}

inline constexpr int spread_threads = 256;

/// A grid for a loop of one thread per item with the grid's size as its step.
struct Spread {
    dim3 grid, block;
    Spread(const DeviceState& device, std::int64_t items) {
        constexpr int blocks_per_multiprocessor = 8;
        const int threads = power_of_two(items, warp_size, spread_threads);
        const std::int64_t most_blocks = std::int64_t{device.multiprocessors} * blocks_per_multiprocessor;
        block = dim3(static_cast<unsigned>(threads));
        grid =
            dim3(static_cast<unsigned>(std::clamp<std::int64_t>(divide_up(items, threads), 1, most_blocks)));
    }
};

}  // namespace adjoint::cuda_backend
