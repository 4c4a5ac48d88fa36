// What the kernels' side of the backend needs of a device: memory, its stream, graphs, the record of a fault.
//
// runtime.cpp writes these functions with the CUDA runtime,
// the emulation in tests/cuda_emulation with host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

struct CUstream_st;

namespace adjoint {
class Delivery;  // backend.h
}

namespace adjoint::cuda_backend {

using Stream = CUstream_st*;

/// Memory that only some allocations may use: that of one recorded step. 0 is the memory of all others.
using PoolId = int;

struct Context;   // context.h
class GraphData;  // graph_data.h

/// The first wrong index that a kernel met, written by the device, thrown as an IndexError at the next
/// synchronisation. It lies where the device writes it and the host reads it.
struct Fault {
    unsigned long long op;  // the address of the op's name, a literal of this program; 0 while all is well
    long long value, position, low, high;
};

/// What a call of the backend needs to know: of the device itself for the whole run of the program, or of it
/// while a graph is made.
struct DeviceState {
    int index = 0;
    int multiprocessors = 1;
    Stream stream = nullptr;  // all computing
    Fault* fault = nullptr;   // never null once the device has started
    Context* context = nullptr;
    bool overlaps = false;  // a kernel may start before the one in front of it has ended
    // Element numbers and offsets up to here are computed in 32 bits; tests lower it to reach what is beyond.
    std::int64_t narrow = std::numeric_limits<std::int32_t>::max();
    // Products of up to so many multiplications are our own in any case, and eight times as many in a layer's
    // backward pass, which saves three launches more; tests lower it to reach the others.
    std::int64_t small_product = std::int64_t{1} << 25;
    PoolId pool = 0;             // of the memory that a call takes for itself
    GraphData* graph = nullptr;  // where kernels of a graph find what changes; null outside of one
};

/// Who holds memory: a tensor, or a call or a graph for itself. Figures tell them apart.
enum class Use : bool { tensor, workspace };

/// Device memory of the stream: what one kernel releases the next may be given.
/// errors: OutOfMemoryError.
void* allocate(DeviceState& device, std::size_t bytes, Use use, PoolId pool = 0);
void release(DeviceState& device, void* memory, std::size_t bytes) noexcept;
/// What is released to a pool stays there until drop_pool makes ordinary memory of it.
/// errors: CaptureError where the allocator has none.
PoolId make_pool(DeviceState& device);
void drop_pool(DeviceState& device, PoolId pool);

/// Copies in stream order. The copy to the host and synchronize() wait, and throw what
/// a kernel recorded in `fault`.
void copy_from_host(DeviceState& device, void* destination, const void* source, std::size_t bytes);
void copy_to_host(DeviceState& device, void* destination, const void* source, std::size_t bytes);
void copy_on_device(DeviceState& device, void* destination, const void* source, std::size_t bytes);
void clear(DeviceState& device, void* memory, std::size_t bytes);  // to zeros
void synchronize(DeviceState& device);

/// Backend::deliver.
std::shared_ptr<Delivery> deliver(DeviceState& device, const void* values, std::size_t bytes);

/// Launches and copies that are repeated as one.
class Graph {
  public:
    Graph() = default;
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    virtual ~Graph() = default;
    /// Queues all of it on the device's stream.
    virtual void run(DeviceState& device) = 0;
};
/// What `launches` queues on `making`, which has a stream of its own meanwhile: taken down and not run.
/// errors: those of `launches`; CudaError.
std::unique_ptr<Graph> make_graph(DeviceState& making, const std::function<void()>& launches);

/// The compute capability that the kernels of the current device were compiled for: 90 for 9.0.
int compiled_for();

/// Makes `device` the one that the calling thread launches on.
void select(const DeviceState& device);
/// Looks at the outcome of a launch.
/// errors: CudaError that names the op.
void check_launch(const DeviceState& device, const char* op);

/// Device memory for the length of one backend call.
class Scratch {
  public:
    Scratch(DeviceState& device, std::size_t bytes)
        : device_(device), data_(allocate(device, bytes, Use::workspace, device.pool)), bytes_(bytes) {}
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
