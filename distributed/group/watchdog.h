// What ends a process that waits for others inside of a library which nobody can interrupt. Private.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <adjoint/core/base/error.h>
#include <adjoint/core/base/signals.h>

namespace adjoint::distributed {

/// While it lives the call that follows has this much time; then `text` goes to stderr and the process ends
/// with status 1, since no exception reaches a call that does not return.
class Watchdog {
  public:
    Watchdog(std::chrono::milliseconds timeout, std::string text)
        : timeout_(std::min<std::chrono::milliseconds>(timeout, std::chrono::hours(24 * 365))),
          text_(std::move(text)) {
        const SignalsBlocked blocked;
        try {
            thread_ = std::thread([this] { watch(); });
        } catch (const std::system_error& error) {
            throw DistributedError(text_ + ": the system gives no thread to watch over it: " + error.what());
        }
    }
    ~Watchdog() {
        {
            const std::scoped_lock lock(mutex_);
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

  private:
    void watch() {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, timeout_, [this] { return over_; })) return;
        // What the program has printed so far, unless the call that hangs holds on to it.
        if (ftrylockfile(stdout) == 0) std::fflush(stdout);
        std::fprintf(stderr, "%s\n", text_.c_str());
        std::_Exit(1);
    }

    const std::chrono::milliseconds timeout_;
    const std::string text_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false;  // under the mutex
    std::thread thread_;
};

}  // namespace adjoint::distributed
