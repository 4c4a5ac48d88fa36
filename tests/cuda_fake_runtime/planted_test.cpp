// What no program may do, done: the fake runtime ends each with its words.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "planted_kernels.h"
#include "runtime/fake.h"

namespace adjoint::fake_cuda {
namespace {

constexpr std::size_t bytes = 4096;

float* device_memory() {
    void* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, bytes), cudaSuccess);
    return static_cast<float*>(memory);
}
char* pinned_memory() {
    void* memory = nullptr;
    EXPECT_EQ(cudaHostAlloc(&memory, bytes, cudaHostAllocPortable), cudaSuccess);
    return static_cast<char*>(memory);
}
cudaStream_t new_stream() {
    cudaStream_t stream = nullptr;
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    return stream;
}
cudaEvent_t new_event() {
    cudaEvent_t event = nullptr;
    EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    return event;
}
void upload(float* to, const char* from, cudaStream_t stream, std::size_t size = bytes) {
    EXPECT_EQ(cudaMemcpyAsync(to, from, size, cudaMemcpyHostToDevice, stream), cudaSuccess);
}
void begin_capture(cudaStream_t stream, cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed) {
    EXPECT_EQ(cudaStreamBeginCapture(stream, mode), cudaSuccess);
}

struct Fault {
    const char* name;
    const char* said;
    void (*plant)();
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const Fault faults[] = {
    {"StagingReusedWithoutWaiting", "pinned memory was written before the copy",
     [] {
         const cudaStream_t stream = new_stream();
         char* const staging = pinned_memory();
         upload(device_memory(), staging, stream);
         staging[7] = 1;
         cudaStreamSynchronize(stream);
     }},
    {"LaunchWithoutSetDevice", "small: a stream of device 1 while device 0 is current",
     [] {
         cudaSetDevice(1);
         const cudaStream_t stream = new_stream();
         float* const data = device_memory();
         cudaSetDevice(0);
         launch_small(1, 32, 0, stream, data);
     }},
    {"MemoryOfAnotherDevice", "small: memory of device 0 on device 1",
     [] {
         float* const data = device_memory();
         cudaSetDevice(1);
         launch_small(1, 32, 0, new_stream(), data);
     }},
    {"EventOfAnotherDevice", "an event and a stream of two devices",
     [] {
         const cudaEvent_t event = new_event();
         cudaSetDevice(1);
         cudaEventRecord(event, new_stream());
     }},
    {"TooManyThreads", "small in blocks of \\(1025, 1, 1\\).*no card has such blocks",
     [] { launch_small(1, 1025, 0, new_stream(), device_memory()); }},
    {"NoBlocks", "no card has such a grid", [] { launch_small(0, 32, 0, new_stream(), device_memory()); }},
    {"TooManyBlocks", "no card has such a grid",
     [] { launch_small(dim3(1, 65536), 32, 0, new_stream(), device_memory()); }},
    {"MoreThreadsThanItsBounds", "__launch_bounds__ say 128",
     [] { launch_small(1, 256, 0, new_stream(), device_memory()); }},
    {"TooMuchSharedMemory", "10000 .+ 4[01]... bytes of shared memory",
     [] { launch_with_40_kib(10000, new_stream(), device_memory()); }},
    {"TheDefaultStream", "the default stream", [] { launch_small(1, 32, 0, nullptr, device_memory()); }},
    {"ADestroyedStream", "a stream that was destroyed",
     [] {
         const cudaStream_t stream = new_stream();
         cudaStreamDestroy(stream);
         launch_small(1, 32, 0, stream, device_memory());
     }},
    {"ADestroyedEvent", "an event that was destroyed",
     [] {
         const cudaEvent_t event = new_event();
         cudaEventDestroy(event);
         cudaEventRecord(event, new_stream());
     }},
    {"CopyOutOfRange", "4096 bytes at byte 4 of a block of 4096",
     [] { upload(device_memory() + 1, pinned_memory(), new_stream()); }},
    {"CopyFromPageableMemory", "memory of the host that is not pinned",
     [] {
         const std::vector<char> pageable(bytes);
         upload(device_memory(), pageable.data(), new_stream());
     }},
    {"CopyPastPinnedMemory", "memory of the host that is not pinned",
     [] { upload(device_memory(), pinned_memory() + 1, new_stream()); }},
    {"KernelOnFreedMemory", "small: an operand lies in memory that was freed",
     [] {
         float* const data = device_memory();
         cudaFree(data);
         launch_small(1, 32, 0, new_stream(), data);
     }},
    {"UseAfterFreeAsync", "memset: an operand was freed",
     [] {
         const cudaStream_t stream = new_stream();
         void* data = nullptr;
         cudaMallocAsync(&data, bytes, stream);
         cudaFreeAsync(data, stream);
         cudaMemsetAsync(data, 0, bytes, stream);
     }},
    {"FreedTwice", "no memory that was given out",
     [] {
         float* const data = device_memory();
         cudaFree(data);
         cudaFree(data);
     }},
    {"HostReadsDeviceMemory", "the host touches memory of a device", [] { device_memory()[3] = 1; }},
    {"SynchronizeInCapture", "not allowed on a stream that captures",
     [] {
         const cudaStream_t stream = new_stream();
         begin_capture(stream);
         cudaStreamSynchronize(stream);
     }},
    {"EventInCapture", "not allowed on a stream that captures",
     [] {
         const cudaStream_t stream = new_stream();
         begin_capture(stream);
         cudaEventRecord(new_event(), stream);
     }},
    {"CopyFromHostInCapture", "a copy from or to the host in a graph",
     [] {
         const cudaStream_t stream = new_stream();
         begin_capture(stream);
         upload(device_memory(), pinned_memory(), stream);
     }},
    {"AllocationInStrictCapture", "unless its mode is relaxed",
     [] {
         begin_capture(new_stream(), cudaStreamCaptureModeGlobal);
         device_memory();
     }},
    {"ReplayOnFreedMemory", "small: an operand lies in memory that was freed",
     [] {
         const cudaStream_t stream = new_stream();
         float* const data = device_memory();
         begin_capture(stream);
         launch_small(1, 32, 0, stream, data);
         cudaGraph_t graph = nullptr;
         cudaStreamEndCapture(stream, &graph);
         cudaGraphExec_t executable = nullptr;
         cudaGraphInstantiateWithFlags(&executable, graph, 0);
         cudaFree(data);
         cudaGraphLaunch(executable, stream);
     }},
    {"KernelBesideACopy", "small on stream .* does not wait for memcpy to device on stream",
     [] {
         float* const data = device_memory();
         upload(data, pinned_memory(), new_stream());
         launch_small(1, 32, 0, new_stream(), data);
     }},
    {"CopyBesideAKernel", "memcpy to device on stream .* does not wait for .*small on stream",
     [] {
         float* const data = device_memory();
         launch_small(1, 32, 0, new_stream(), data);
         upload(data, pinned_memory(), new_stream());
     }},
};

class Planted : public testing::TestWithParam<Fault> {};

TEST_P(Planted, IsCaught) {
    EXPECT_DEATH(GetParam().plant(), std::string("VIOLATION: .*") + GetParam().said);
}

INSTANTIATE_TEST_SUITE_P(Faults, Planted, testing::ValuesIn(faults),
                         [](const testing::TestParamInfo<Fault>& at) { return at.param.name; });

TEST(FakeRuntime, AnEventOrTheHostKeepsStreamsInOrder) {
    float* const data = device_memory();
    char* const staging = pinned_memory();
    const cudaStream_t copies = new_stream(), kernels = new_stream();
    const cudaEvent_t copied = new_event();
    upload(data, staging, copies);
    cudaEventRecord(copied, copies);
    cudaStreamWaitEvent(kernels, copied, 0);
    launch_small(1, 32, 0, kernels, data);
    cudaStreamSynchronize(kernels);
    staging[0] = 1;  // what has run is done with its memory, that of the other stream included
    upload(data, staging, copies);
    cudaEventRecord(copied, copies);
    cudaEventSynchronize(copied);
    launch_small(1, 32, 0, kernels, data);
    cudaStreamSynchronize(kernels);
}

TEST(FakeRuntime, WorkRunsWhenItIsWaitedFor) {
    float* const data = device_memory();
    char *const there = pinned_memory(), *const back = pinned_memory();
    const cudaStream_t stream = new_stream();
    std::memset(there, 5, bytes);
    std::memset(back, 5, bytes);
    upload(data, there, stream);
    cudaMemcpyAsync(back, data, bytes, cudaMemcpyDeviceToHost, stream);
    EXPECT_NE(back[9], 5) << "it is not there yet";
    cudaStreamSynchronize(stream);
    EXPECT_EQ(back[9], 5);
    const std::vector<std::string> log = work_log();
    ASSERT_GE(log.size(), 2u);
    EXPECT_EQ(log[log.size() - 2].find("memcpy to device @"), 0u) << log[log.size() - 2];
    EXPECT_EQ(log.back().find("memcpy to host @"), 0u) << log.back();
}

TEST(FakeRuntime, CallsAreCountedAndFailWhenToldTo) {
    const long before = calls()["cudaMalloc"];
    const std::size_t held = device_bytes();
    fail("cudaMalloc", 2);
    void* memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, bytes), cudaSuccess);
    EXPECT_FALSE(has_failed());
    EXPECT_EQ(cudaMalloc(&memory, bytes), cudaErrorMemoryAllocation);
    EXPECT_TRUE(has_failed());
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&memory, bytes), cudaSuccess);
    EXPECT_EQ(calls().at("cudaMalloc"), before + 3);
    EXPECT_EQ(device_bytes(), held + 2 * bytes);
}

TEST(FakeRuntime, KnowsAllKernelsOfTheProgram) {
    EXPECT_GT(kernels().all, 500);
    EXPECT_EQ(kernels().known, kernels().all);
}

}  // namespace
}  // namespace adjoint::fake_cuda
