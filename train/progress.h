// Progress on the terminal: one line that is rewritten; in a file, one plain line per epoch and nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <adjoint/train/history.h>

namespace adjoint::train {

class ADJOINT_API Progress {
  public:
    /// Prints to standard output if `enabled`.
    explicit Progress(bool enabled);
    void start_epoch(int epoch, int epochs, std::int64_t batches);
    /// After a batch. `score` is asked only when the line is redrawn, a few times a second: it may have to
    /// wait for the device.
    void advance(std::int64_t done, const std::function<Score()>& score);
    void finish_epoch(const EpochRecord& record);

  private:
    using Clock = std::chrono::steady_clock;

    bool enabled_, terminal_;
    int epoch_ = 0, epochs_ = 0;
    std::int64_t batches_ = 0;
    Clock::time_point started_, drawn_;
};

}  // namespace adjoint::train
