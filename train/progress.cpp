// The progress line.
#include <adjoint/train/progress.h>

#include <unistd.h>

#include <cstdio>

#include <adjoint/core/format.h>

namespace adjoint::train {
namespace {

constexpr auto redraw_after = std::chrono::milliseconds(200);
constexpr int bar_width = 24;
constexpr const char* clear_line = "\r\x1b[K";

}  // namespace

Progress::Progress(bool enabled) : enabled_(enabled), terminal_(enabled && isatty(STDOUT_FILENO) == 1) {}

void Progress::start_epoch(int epoch, int epochs, std::int64_t batches) {
    epoch_ = epoch;
    epochs_ = epochs;
    batches_ = batches;
    started_ = drawn_ = Clock::now();
}

void Progress::advance(std::int64_t done, const std::function<Score()>& score) {
    if (!terminal_) return;
    const auto now = Clock::now();
    if (now - drawn_ < redraw_after) return;
    drawn_ = now;
    const double elapsed = std::chrono::duration<double>(now - started_).count();
    const double rate = static_cast<double>(done) / elapsed;
    const int filled = static_cast<int>(bar_width * done / std::max<std::int64_t>(batches_, 1));
    const std::string bar = std::string(static_cast<std::size_t>(filled), '=') +
                            std::string(static_cast<std::size_t>(bar_width - filled), '.');
    const std::string line = fmt::format(
        "{}epoch {}/{} [{}] {}/{}  {:.0f} batches/s  {:.0f} s left  loss {:.4f}", clear_line, epoch_, epochs_,
        bar, done, batches_, rate, static_cast<double>(batches_ - done) / rate, score().loss);
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

void Progress::finish_epoch(const EpochRecord& record) {
    if (!enabled_) return;
    const std::string line = fmt::format("{}{}\n", terminal_ ? clear_line : "", to_string(record, epochs_));
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

}  // namespace adjoint::train
