// Capture: a training step recorded once as the list of its calls to the backend, with their memory, and
// repeated without building a graph, dispatching or allocating.
//
//     Captured step = capture([&] {
//         optimizer.zero_grad();
//         loss = cross_entropy(model(x), y);
//         loss.backward();
//         optimizer.step();
//     });
//     for (...) { x.copy_(images); y.copy_(labels); step.replay(); }
//
// What the step reads and writes lies where it lay when it was recorded: inputs are filled in place, results
// are read from the tensors of the last recorded run, values that the host copies are constants. Random
// numbers, step counts and learning rates go on as if the step itself had run: the bits are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <adjoint/core/base/device.h>
#include <adjoint/core/base/export.h>
#include <adjoint/core/contract/recording.h>

namespace adjoint {

struct CaptureOptions {
    /// Where the step computes.
    /// errors: CaptureError if it computes elsewhere.
    Device device = Device::cpu();
    /// Runs before the recorded one: they make optimizer states and fill caches. All are ordinary steps:
    /// weights move warmup + 1 times.
    int warmup = 2;
    /// Whether the calls of a replay are made fewer, with the same bits: constants become part of the calls
    /// that read them, results that nobody reads are not computed, chains of elementwise calls and a
    /// reduction behind them become one. What is not computed does not report its errors.
    bool optimize = true;
};

/// A recorded step. Copies share it. Tensors, modules and optimizers that the step refers to must outlive it.
class ADJOINT_API Captured {
  public:
    explicit Captured(std::shared_ptr<Recording> recording) : recording_(std::move(recording)) {}
    /// Runs the step `times` times.
    void replay(std::int64_t times = 1) const { recording_->replay(times); }
    /// Backend calls of one replay.
    std::size_t calls() const { return recording_->calls(); }
    /// The most memory that tensors of the step take at once, results included.
    std::size_t peak_bytes() const { return recording_->peak_bytes(); }
    /// The calls of a replay, a line for each: its number and name; what it writes, updates and reads, by
    /// shape and type, memory being numbered in the order in which it is first met; and after which calls it
    /// has to come, for the sake of that memory: others are independent of it.
    std::string describe() const { return recording_->describe(); }

  private:
    std::shared_ptr<Recording> recording_;
};

/// Runs `step` options.warmup times, then once more recording it.
/// errors: CaptureError for what a replay could not repeat (item(), data(), copies to the host inside the
/// step, a capture inside a capture).
ADJOINT_API Captured capture(const std::function<void()>& step, const CaptureOptions& options = {});

}  // namespace adjoint
