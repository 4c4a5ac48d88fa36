// What the kernels of a graph read anew in each replay: a block of device memory that is written before the
// graph is launched. Nothing in the graph itself ever changes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include <adjoint/core/capture/recorded_step.h>
#include <adjoint/cuda/runtime/runtime.h>

namespace adjoint::cuda_backend {

/// Where the random numbers of a kernel come from: a stream that the host knows, or in a graph one that
/// follows the generator. Kernels are made for each, since the second takes more registers.
struct FixedStream {
    GeneratorState from;
    ADJOINT_HD GeneratorState state() const { return from; }
};
struct MovingStream {
    StreamPlace place;
    const GeneratorState* now;
    ADJOINT_HD GeneratorState state() const { return place.at(*now); }
};
using DrawnStream = std::variant<FixedStream, MovingStream>;

/// Of one recorded step.
/// errors: OutOfMemoryError, CudaError.
class GraphData {
  public:
    /// `first` is the turn of the recorded run.
    GraphData(DeviceState& device, const Turn& first);
    GraphData(const GraphData&) = delete;
    GraphData& operator=(const GraphData&) = delete;
    ~GraphData();

    // While the graph is made:
    MovingStream stream(GeneratorState recorded);
    /// Where the functor of the next update() will lie.
    const void* next_update();
    /// A copy of the values on the device.
    const void* constant(const void* values, std::size_t bytes);

    /// Before a replay.
    /// errors: CaptureError if an update is another function than the recorded one.
    void write(const Turn& turn);

  private:
    struct Update {
        std::size_t kind, offset;  // the alternative of UpdateOp; where its functor lies in the block
    };

    void* own_memory(std::size_t bytes);

    DeviceState& device_;
    const GeneratorState start_;
    std::vector<Update> updates_;
    std::size_t next_update_ = 0;
    bool is_read_ = false;              // by any kernel
    std::vector<std::uint64_t> image_;  // of the block
    std::uint64_t* block_ = nullptr;
    std::vector<std::pair<void*, std::size_t>> memory_;
};

/// Writes device memory in stream order.
void store_words(const DeviceState& device, std::uint64_t* to, std::span<const std::uint64_t> words);

/// Moving in a graph, fixed outside of one.
DrawnStream drawn_stream(const DeviceState& device, GeneratorState state);

}  // namespace adjoint::cuda_backend
