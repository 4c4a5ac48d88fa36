// An engine as slow as a network: a message is there some time after another engine has brought it.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <adjoint/distributed/group/engine.h>

namespace adjoint::distributed {

/// Each rank's line takes one message after the other, `latency` and bytes / `bytes_per_second` each. Waiting
/// costs no time of the processor.
class DelayedEngine : public Engine {
  public:
    using Seconds = std::chrono::duration<double>;

    DelayedEngine(std::shared_ptr<Engine> engine, Seconds latency, double bytes_per_second)
        : engine_(std::move(engine)), latency_(latency), bytes_per_second_(bytes_per_second) {}

    const char* name() const noexcept override { return "delayed"; }
    int rank() const noexcept override { return engine_->rank(); }
    int size() const noexcept override { return engine_->size(); }

    std::unique_ptr<Transfer> send(const void* data, std::size_t bytes, int to, Lane lane) override {
        return engine_->send(data, bytes, to, lane);
    }
    std::unique_ptr<Transfer> receive(void* data, std::size_t bytes, int from, Lane lane) override {
        return std::make_unique<Coming>(engine_->receive(data, bytes, from, lane), bytes);
    }
    bool done(Transfer& transfer) override {
        auto* const coming = dynamic_cast<Coming*>(&transfer);
        if (!coming) return engine_->done(transfer);
        const Clock::time_point now = Clock::now();
        if (!coming->there) {
            if (!engine_->done(*coming->inner)) return false;
            const auto takes = std::chrono::duration_cast<Clock::duration>(
                latency_ + Seconds(static_cast<double>(coming->bytes) / bytes_per_second_));
            line_free_ = std::max(line_free_, now) + takes;
            coming->there = line_free_;
        }
        return *coming->there <= now;
    }
    void idle(int) override { std::this_thread::sleep_for(std::chrono::microseconds(20)); }

    void announce(const std::string& fault) noexcept override { engine_->announce(fault); }
    std::optional<std::string> heard() override { return engine_->heard(); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Coming final : Transfer {
        Coming(std::unique_ptr<Transfer> of, std::size_t count) : inner(std::move(of)), bytes(count) {}
        std::unique_ptr<Transfer> inner;
        std::size_t bytes;
        std::optional<Clock::time_point> there = {};
    };

    std::shared_ptr<Engine> engine_;
    Seconds latency_;
    double bytes_per_second_;
    Clock::time_point line_free_ = Clock::now();
};

}  // namespace adjoint::distributed
