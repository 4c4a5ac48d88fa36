// One CUDA grid run on the host: CUDA's own spelling for kernels that g++ compiles, and what runs them.
//
// Each thread of a block is a fiber; barriers and warp exchanges are where it yields. A warp runs until all
// its threads wait at a block barrier or have returned, then the next one runs, so that a missing barrier
// shows: one warp is far ahead of the others. Found as errors, with the kernel's op in the message: threads
// that wait at different barriers, barriers that a thread never reaches, exchanges without the whole warp,
// bad configurations. Left to AddressSanitizer: every bound. Not found: races within a warp, misaligned or
// uncoalesced access, speed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <stdexcept>
#include <utility>
#include <vector>

/// What a stream that makes a graph has taken down.
struct CUstream_st {
    std::vector<std::function<void()>> taken;
};

namespace adjoint::emulator {

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    constexpr std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

extern constinit thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

/// What is wrong with a kernel.
class KernelError : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/// In which order warps, and the threads and blocks beside them, run.
enum class Order { forward, reverse };
void set_order(Order order);
Order order();

/// Hears of each launch instead of its being run: for those who count, and look at no result.
struct Launch {
    const char* op;
    dim3 grid, block;
};
void count_only(std::function<void(const Launch&)> listener);

/// Runs `thread` for each thread of the grid. `independent`: as plain loops,
/// where no thread may meet another.
void run(const char* op, dim3 grid, dim3 block, std::size_t dynamic_bytes, bool independent,
         const std::function<void()>& thread);

/// Done at once, or taken down by the stream if there is one.
template <class Work> void queue(CUstream_st* stream, Work work) {
    if (stream)
        stream->taken.emplace_back(std::move(work));
    else
        work();
}

namespace detail {
enum class Meeting { barrier, exchange };
void meet(Meeting meeting, const std::source_location& at);
std::uint64_t exchange(std::uint64_t value, unsigned source_lane, const std::source_location& at);
unsigned lane();
void* shared(const void* site, std::size_t bytes);
void* dynamic_shared();
}  // namespace detail

inline void __syncthreads(const std::source_location at = std::source_location::current()) {
    detail::meet(detail::Meeting::barrier, at);
}

template <class T> T __shfl_sync(unsigned, T value, unsigned source_lane, const std::source_location at) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = detail::exchange(bits, source_lane, at);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, unsigned lane_mask,
                  const std::source_location at = std::source_location::current()) {
    return __shfl_sync(mask, value, detail::lane() ^ lane_mask, at);
}

template <class T> T atomicCAS(T* place, T expected, T desired) {
    const T old = *place;
    if (old == expected) *place = desired;
    return old;
}

}  // namespace adjoint::emulator

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __restrict__ __restrict
/// An array of the block: on the heap, so that its bounds are seen, and filled with 0xff in each block.
#define ADJOINT_SHARED(type, name, count) \
    static const char name##_site = 0;    \
    type* const name =                    \
        static_cast<type*>(::adjoint::emulator::detail::shared(&name##_site, sizeof(type) * (count)))
#define ADJOINT_DYNAMIC_SHARED(type, name) \
    type* const name = static_cast<type*>(::adjoint::emulator::detail::dynamic_shared())
