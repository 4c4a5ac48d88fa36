// What a kernel is written with, for nvcc and for the emulation of tests/cuda_emulation: shared memory, warp
// exchanges, loads and stores with conversion, 32-bit index arithmetic.
#pragma once

#include <cstdint>

#include <adjoint/core/base/convert.h>
#include <adjoint/core/base/dtype.h>
#include <adjoint/core/base/shape.h>
#include <adjoint/core/contract/math.h>
#include <adjoint/cuda/runtime/runtime.h>

#if defined(ADJOINT_CUDA_EMULATION)
#include <cuda_emulation/emulator.h>
#define ADJOINT_DEVICE inline
#define ADJOINT_GRID_CONSTANT
#define ADJOINT_DEVICE_CALL inline
namespace adjoint::cuda_backend {
using namespace emulator;
}
#else
/// A function of device code: inlined, or, where its size counts for more than the call, not.
#define ADJOINT_DEVICE __device__ __forceinline__
#define ADJOINT_DEVICE_CALL __device__ __noinline__
/// A parameter of a kernel that is read where it lies, also by reference and by number.
#define ADJOINT_GRID_CONSTANT __grid_constant__
/// An array that the threads of a block share.
#define ADJOINT_SHARED(type, name, count) __shared__ __align__(16) type name[count]
/// The shared memory whose size the launch names.
#define ADJOINT_DYNAMIC_SHARED(type, name)                           \
    extern __shared__ __align__(16) unsigned char dynamic_shared_[]; \
    type* const name = reinterpret_cast<type*>(dynamic_shared_)
#endif

/// Before a loop over registers, which cannot be indexed by a variable. No word for the host's compiler.
#if defined(__CUDA_ARCH__)
#define ADJOINT_UNROLL _Pragma("unroll")
#else
#define ADJOINT_UNROLL
#endif

namespace adjoint::cuda_backend {

inline constexpr int warp_size = 32;

/// The first statement of every kernel: the work before it in its stream is done, and the kernel behind may
/// come to this point. Cards from 9.0 on overlap launches by it (launch.h), elsewhere it does nothing.
ADJOINT_DEVICE void wait_for_earlier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    cudaTriggerProgrammaticLaunchCompletion();
    cudaGridDependencySynchronize();
#endif
}

/// The value of the lane whose number differs in the bits of `lane_mask`; all lanes of the warp take part.
template <class T> ADJOINT_DEVICE T exchange(T value, unsigned lane_mask) {
    return __shfl_xor_sync(0xffffffffu, value, static_cast<int>(lane_mask));
}

/// a b + c, rounded once where the type rounds.
ADJOINT_DEVICE float multiply_add(float a, float b, float c) { return ::fmaf(a, b, c); }
ADJOINT_DEVICE double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }
ADJOINT_DEVICE std::int64_t multiply_add(std::int64_t a, std::int64_t b, std::int64_t c) { return a * b + c; }

// Elements of any type
// -----------------------------------------------------------------------------

template <class T> ADJOINT_DEVICE_CALL T load_converted(const void* data, DType type, std::int64_t place) {
    switch (type) {
        case DType::f16:
            return convert<T>(static_cast<const half*>(data)[place]);
        case DType::bf16:
            return convert<T>(static_cast<const bfloat16*>(data)[place]);
        case DType::f32:
            return convert<T>(static_cast<const float*>(data)[place]);
        case DType::f64:
            return convert<T>(static_cast<const double*>(data)[place]);
        case DType::u8:
            return convert<T>(static_cast<const std::uint8_t*>(data)[place]);
        case DType::i32:
            return convert<T>(static_cast<const std::int32_t*>(data)[place]);
        case DType::i64:
            return convert<T>(static_cast<const std::int64_t*>(data)[place]);
        case DType::boolean:
            break;
    }
    return convert<T>(static_cast<const bool*>(data)[place]);
}

template <class T>
ADJOINT_DEVICE_CALL void store_converted(void* data, DType type, std::int64_t place, T value) {
    switch (type) {
        case DType::f16:
            static_cast<half*>(data)[place] = convert<half>(value);
            return;
        case DType::bf16:
            static_cast<bfloat16*>(data)[place] = convert<bfloat16>(value);
            return;
        case DType::f32:
            static_cast<float*>(data)[place] = convert<float>(value);
            return;
        case DType::f64:
            static_cast<double*>(data)[place] = convert<double>(value);
            return;
        case DType::u8:
            static_cast<std::uint8_t*>(data)[place] = convert<std::uint8_t>(value);
            return;
        case DType::i32:
            static_cast<std::int32_t*>(data)[place] = convert<std::int32_t>(value);
            return;
        case DType::i64:
            static_cast<std::int64_t*>(data)[place] = convert<std::int64_t>(value);
            return;
        case DType::boolean:
            break;
    }
    static_cast<bool*>(data)[place] = convert<bool>(value);
}

/// An element brought into T, and back; the conversion is a call, so that kernels without one stay small.
template <class T> ADJOINT_DEVICE T load(const void* data, DType type, std::int64_t place) {
    return type == dtype_of<T> ? static_cast<const T*>(data)[place] : load_converted<T>(data, type, place);
}
template <class T> ADJOINT_DEVICE void store(void* data, DType type, std::int64_t place, T value) {
    if (type == dtype_of<T>)
        static_cast<T*>(data)[place] = value;
    else
        store_converted<T>(data, type, place, value);
}

// Index arithmetic
// -----------------------------------------------------------------------------

/// Division of 32-bit numbers below 2^31 by one that the host knows: a multiplication and a shift.
/// source: Granlund and Montgomery, Division by invariant integers using multiplication, PLDI 1994.
struct Divisor {
    using Number = std::uint32_t;
    Number value = 1, factor = 1, shift = 0;

    Divisor() = default;
    /// Any size: 0, of which there is no element to divide, counts as 1, and 2^31 stands for all that is more
    /// than any number.
    explicit Divisor(std::int64_t size)
        : value(static_cast<Number>(size < 1      ? 1
                                    : size < most ? size
                                                  : most)) {
        while (shift < 31 && (Number{1} << shift) < value) ++shift;
        const std::uint64_t excess = (std::uint64_t{1} << shift) - value;
        factor = static_cast<Number>((excess << 32) / value + 1);
    }
    ADJOINT_HD std::uint32_t divide(std::uint32_t n) const {
        const auto high = static_cast<std::uint32_t>(std::uint64_t{n} * factor >> 32);
        return (high + n) >> shift;
    }

  private:
    static constexpr std::int64_t most = std::int64_t{1} << 31;
};

/// The same for numbers of 64 bits, slower.
struct WideDivisor {
    using Number = std::int64_t;
    Number value = 1;

    explicit WideDivisor(std::int64_t size) : value(size < 1 ? 1 : size) {}
    ADJOINT_HD std::int64_t divide(std::int64_t n) const { return n / value; }
};

/// The row-major walk over `rank` dimensions as a kernel computes it, from an element's number to the offsets
/// of N operands. The innermost dimension stands first.
template <int N> struct Places {
    int rank = 0;
    Divisor sizes[max_dims];
    std::int32_t strides[max_dims][N] = {};

    ADJOINT_HD void offsets(std::uint32_t place, std::int32_t (&out)[N]) const {
        for (int k = 0; k < N; ++k) out[k] = 0;
        ADJOINT_UNROLL
        for (int d = 0; d < max_dims; ++d) {
            if (d >= rank) break;
            // The outermost dimension needs no division.
            const std::uint32_t rest = d + 1 < rank ? sizes[d].divide(place) : 0;
            const auto at = static_cast<std::int32_t>(place - rest * sizes[d].value);
            for (int k = 0; k < N; ++k) out[k] += at * strides[d][k];
            place = rest;
        }
    }
};

/// Remembers the first wrong index that the device meets.
ADJOINT_DEVICE void report(Fault* fault, const char* op, std::int64_t value, std::int64_t position,
                           std::int64_t low, std::int64_t high) {
    const auto name = static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(op));
    if (atomicCAS(&fault->op, 0ull, name) != 0) return;
    fault->value = value;
    fault->position = position;
    fault->low = low;
    fault->high = high;
}

}  // namespace adjoint::cuda_backend
