// Threads that make batches ahead of the one that takes them. Private.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <adjoint/data/sent_batch.h>

namespace adjoint::data {

/// Batches first, first + 1, ... by their numbers. They are handed out in this order, whoever has made them,
/// and no more than `ahead` wait to be taken.
class Workers {
  public:
    /// The batch of a number, nothing behind the last one. Called by several threads at once if there are
    /// several; what it throws is thrown by the take() whose turn it is.
    using Make = std::function<std::optional<SentBatch>(std::int64_t number)>;

    /// errors: OutOfMemoryError if no thread can be started.
    Workers(int threads, std::int64_t ahead, std::int64_t first, Make make);
    /// Returns when the calls that are under way have.
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// The next batch, nothing behind the last one. Not to be asked again after that, or after an error.
    std::optional<SentBatch> take();

  private:
    struct Made {
        std::optional<SentBatch> batch;
        std::exception_ptr error;
    };

    void start(int threads);
    void stop() noexcept;
    void work();
    std::optional<Made>& place(std::int64_t number) {
        return made_[static_cast<std::size_t>(number % ahead_)];
    }

    const Make make_;
    const std::int64_t ahead_;
    std::mutex mutex_;  // of what follows
    std::condition_variable room_, ready_;
    std::vector<std::optional<Made>> made_;  // of number n in place n % ahead
    std::int64_t next_, taken_;              // the numbers that the next thread makes, and that take() gives
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace adjoint::data
