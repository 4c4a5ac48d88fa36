#include "planted_kernels.h"

// Not without linkage: the compiler makes their names of more than the text then.
namespace adjoint::ptx {
namespace planted {

constexpr int threads = 64, blocks = 2;

__device__ int number() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

__global__ void past_the_end(float* data, int count) {
    if (number() == 0) data[count] = 1;
}
__global__ void four_at_a_time(float* data, int) {
    *reinterpret_cast<float4*>(data + 1 + 4 * number()) = float4{};
}
__global__ void nobody_wrote(float* data, int count) { data[number()] = data[count - 1]; }
__global__ void nobody_wrote_shared(float* data, int count) {
    __shared__ float values[threads];
    if (threadIdx.x > 0) values[threadIdx.x] = 1;
    __syncthreads();
    data[number()] = values[(threadIdx.x + static_cast<unsigned>(count)) % threads];
}
__global__ void no_barrier(float* data, int count) {
    __shared__ float values[threads];
    values[threadIdx.x] = static_cast<float>(count);
    data[number()] = values[threads - 1 - threadIdx.x];
}
// One thread reads behind the barrier what another writes for the next turn.
__global__ void one_barrier(float* data, int count) {
    __shared__ float values[threads];
    float sum = 0;
    for (int turn = 0; turn < count % 7 + 2; ++turn) {
        values[threadIdx.x] = static_cast<float>(turn);
        __syncthreads();
        sum += values[threads - 1 - threadIdx.x];
    }
    data[number()] = sum;
}
__global__ void all_to_one_place(float* data, int) { data[0] = static_cast<float>(number()); }
__global__ void from_another_block(float* data, int) {
    if (threadIdx.x > 0) return;
    data[blockIdx.x] = 1;
    data[blockIdx.x + blocks] = data[blocks - 1 - blockIdx.x];
}
__global__ void some_have_ended(float* data, int) {
    if (threadIdx.x >= threads / 2) return;
    __syncthreads();
    data[number()] = 1;
}
__global__ void two_barriers(float* data, int) {
    if (threadIdx.x < threads / 2) {
        data[number()] = 1;
        __syncthreads();
        data[number()] = 2;
    } else {
        __syncthreads();
        data[number()] = 3;
    }
}
__global__ void half_a_warp(float* data, int count) {
    if (threadIdx.x % 32 >= 16) return;
    data[number()] = static_cast<float>(__shfl_xor_sync(0xffffffffu, count + number(), 1));
}
__global__ void by_nothing(float* data, int count) {
    data[number()] = static_cast<float>(number() / (count % 64));
}
__global__ void past_shared(float* data, int count) {
    __shared__ float values[threads];
    values[threadIdx.x + static_cast<unsigned>(count) % 128 / 128 + threadIdx.x / 63] = 1;
    __syncthreads();
    data[number()] = values[threadIdx.x / 2];
}
__global__ void past_local(float* data, int count) {
    float values[8];
    for (int i = 0; i < 8; ++i) values[(i * count) & 7] = static_cast<float>(i);
    data[number()] = values[count / 4];
}
__global__ void sound(float* data, int count) {
    __shared__ float values[threads];
    for (int turn = 0; turn < count % 7 + 2; ++turn) {
        values[threadIdx.x] = static_cast<float>(turn);
        __syncthreads();
        data[number()] = values[threads - 1 - threadIdx.x];
        __syncthreads();
    }
}

template <void kernel(float*, int)> void start(cudaStream_t stream, float* data, int count) {
    kernel<<<blocks, threads, 0, stream>>>(data, count);
}

}  // namespace planted

using namespace planted;

const PlantedKernel planted_kernels[] = {
    {"PastTheEnd", "a write out of bounds", &start<past_the_end>},
    {"FourAtATime", "a misaligned access of 16 bytes", &start<four_at_a_time>},
    {"NobodyWrote", "a read of device memory that nobody wrote", &start<nobody_wrote>},
    {"NobodyWroteShared", "a read of shared memory that nobody wrote", &start<nobody_wrote_shared>},
    {"NoBarrier", "a race on shared memory: a (read of what|write over what)|shared memory that nobody wrote",
     &start<no_barrier>},
    {"OneBarrier",
     "a race on shared memory: a (write over what another thread read|read of what another thread wrote)",
     &start<one_barrier>},
    {"AllToOnePlace", "a race on device memory: a write over what another thread wrote",
     &start<all_to_one_place>},
    {"FromAnotherBlock", "a race on device memory|that nobody wrote", &start<from_another_block>},
    {"SomeHaveEnded", "a barrier that threads which have ended never reach", &start<some_have_ended>},
    {"TwoBarriers", "threads of a block wait at different barriers", &start<two_barriers>},
    {"HalfAWarp", "an exchange that not all lanes of its mask reach", &start<half_a_warp>},
    {"ByNothing", "an integer divided by 0", &start<by_nothing>},
    {"PastShared", "an access out of bounds of shared memory", &start<past_shared>},
    {"PastLocal", "an access out of bounds of local memory", &start<past_local>},
};
const int planted_kernel_count = sizeof planted_kernels / sizeof *planted_kernels;

void launch_sound(cudaStream_t stream, float* data, int count) { start<sound>(stream, data, count); }

}  // namespace adjoint::ptx
