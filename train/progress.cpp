// The progress line.
#include <adjoint/train/progress.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include <adjoint/core/format.h>

namespace adjoint::train {
namespace {

constexpr auto redraw_after = std::chrono::milliseconds(200);
constexpr int bar_width = 24;
constexpr const char* clear_line = "\r\x1b[K";

using Clock = std::chrono::steady_clock;

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

struct Line {
    Clock::time_point started, drawn;
    std::int64_t first_step = 0;  // that was done when the clock started

    void start(const Run& run) {
        started = drawn = Clock::now();
        first_step = run.step;
    }
    void draw(const Run& run) {
        const auto now = Clock::now();
        if (now - drawn < redraw_after) return;
        drawn = now;
        const double elapsed = std::chrono::duration<double>(now - started).count();
        const double rate = static_cast<double>(run.step - first_step) / elapsed;
        const std::int64_t batches = run.loader.size();
        const auto filled =
            static_cast<std::size_t>(bar_width * run.batch / std::max<std::int64_t>(batches, 1));
        print(fmt::format("{}epoch {}/{} [{}{}] {}/{}  {:.0f} batches/s  {:.0f} s left  loss {:.4f}",
                          clear_line, run.epoch, run.epochs, std::string(filled, '='),
                          std::string(bar_width - filled, '.'), run.batch, batches, rate,
                          static_cast<double>(batches - run.batch) / rate, run.score().loss));
    }
};

}  // namespace

Callback progress() {
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    const auto line = std::make_shared<Line>();
    Callback callback{.on_begin = [line](Run& run) { line->start(run); },
                      .on_epoch =
                          [line, terminal](Run& run) {
                              print(fmt::format("{}{}\n", terminal ? clear_line : "",
                                                to_string(run.history.last(), run.epochs)));
                              line->start(run);
                          }};
    if (terminal) callback.on_batch = [line](Run& run) { line->draw(run); };
    return callback;
}

}  // namespace adjoint::train
