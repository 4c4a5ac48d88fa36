// What the parts of the fake runtime share. All of it under one lock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fake.h"

namespace adjoint::fake_cuda {

/// How much of each stream's work is known to be done before something: by the stream's number.
class Clock {
  public:
    std::uint64_t of(std::size_t stream) const { return stream < ticks_.size() ? ticks_[stream] : 0; }
    std::uint64_t tick(std::size_t stream) {
        if (ticks_.size() <= stream) ticks_.resize(stream + 1);
        return ++ticks_[stream];
    }
    void join(const Clock& other) {
        if (ticks_.size() < other.ticks_.size()) ticks_.resize(other.ticks_.size());
        for (std::size_t i = 0; i < other.ticks_.size(); ++i)
            ticks_[i] = std::max(ticks_[i], other.ticks_[i]);
    }

  private:
    std::vector<std::uint64_t> ticks_;
};

/// A place in a stream that an event stands for.
struct Mark {
    CUstream_st* stream;
    Clock before;  // what is done when it is reached
    bool reached = false;
};

}  // namespace adjoint::fake_cuda

struct CUgraph_st {
    std::vector<adjoint::fake_cuda::Work> nodes;
};
struct CUgraphExec_st {
    std::vector<adjoint::fake_cuda::Work> nodes;
};
struct CUstream_st {
    struct Item {
        std::function<void()> run;
        std::shared_ptr<adjoint::fake_cuda::Mark> reaches, waits_for;
    };
    struct Done {
        adjoint::fake_cuda::Access access;
        std::uint64_t tick;
        std::string by;
    };

    std::size_t number;
    int device;
    bool destroyed = false;
    std::optional<CUgraph_st> captured = {};  // while it captures
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    std::deque<Item> queue = {};
    adjoint::fake_cuda::Clock clock = {};
    std::vector<Done> accesses = {};  // that the host has not waited for
};
struct CUevent_st {
    int device;
    bool destroyed = false;
    std::shared_ptr<adjoint::fake_cuda::Mark> mark = nullptr;  // null before the first record
    bool asked = false;                                        // since that, in vain
};

namespace adjoint::fake_cuda {

inline constexpr int most_devices = 4;

std::recursive_mutex& mutex();
using Lock = std::scoped_lock<std::recursive_mutex>;

/// The answer to a call of the runtime: body(), unless it is to fail. What is no success is remembered as
/// the last error.
cudaError_t answer(const char* name, const std::function<cudaError_t()>& body);

// devices.cpp
int device_count();
int& device_of_thread();
cudaError_t& last_error();

// memory.cpp
/// Where the bytes of a device's memory really are.
char* bytes_at(const void* data);
/// A violation unless all bytes are in memory of this device that was given out and not taken back.
void check_memory(const Access& access, int device, const std::string& by);
/// Of a device's memory, taken back or not.
bool is_device_address(const void* data);
bool is_pinned(const void* data, std::size_t bytes);

// streams.cpp
CUstream_st& checked(cudaStream_t stream);
/// The same of one that is not captured; others may not be waited for.
CUstream_st& running(cudaStream_t stream);
void run_until(CUstream_st& stream, const std::shared_ptr<Mark>& mark);
/// Everything that is queued, as a call does that waits for the whole device.
void run_device(int device);
/// In the other modes of capture a thread that captures may not make such calls.
void check_allowed_in_capture();

// order.cpp
/// Work is queued on `stream`: a violation if it meets other work that it may run beside.
void check_order(CUstream_st& stream, const Work& work);
/// The host has waited for all that stands before `clock`.
void host_waited(const Clock& clock);
const Clock& host_clock();
std::vector<CUstream_st*>& streams();

}  // namespace adjoint::fake_cuda
