// The progress line.
#include <adjoint/train/watch/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

#include <adjoint/core/base/format.h>

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

// A line that is longer would wrap, and its first part stay on the screen.
std::size_t terminal_width() {
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col - 1u : std::string::npos;
}

// 0:07, 12:30, 3:05:00
std::string duration(double seconds) {
    const auto s = static_cast<std::int64_t>(std::ceil(std::min(seconds, 1e9)));
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
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
        const std::chrono::duration<double> elapsed = now - started;
        const std::string line = to_string(ProgressState{
            .epoch = run.epoch,
            .epochs = run.epochs,
            .batch = run.batch,
            .batches = run.loader.size(),
            .rate = static_cast<double>(run.step - first_step) / elapsed.count(),
            .score = run.score(),
        });
        print(clear_line + line.substr(0, terminal_width()));
    }
};

}  // namespace

std::string to_string(const ProgressState& state) {
    const bool counted = state.batches >= 0;
    const std::int64_t batches = std::max<std::int64_t>(state.batches, 1);
    const auto filled = static_cast<std::size_t>(bar_width * std::min(state.batch, batches) / batches);
    std::string line = fmt::format("epoch {}/{} ", state.epoch, state.epochs);
    if (counted)
        line +=
            fmt::format("[{}{}] {:>{}}/{}", std::string(filled, '='), std::string(bar_width - filled, '.'),
                        state.batch, std::to_string(state.batches).size(), state.batches);
    else
        line += fmt::format("batch {}", state.batch);
    if (state.rate > 0)
        line += fmt::format("  {} batches/s", state.rate < 10 ? fmt::format("{:.2f}", state.rate)
                                                              : fmt::format("{:.0f}", state.rate));
    line += fmt::format("  loss {:.4f}", shown(state.score.loss));
    if (!std::isnan(state.score.accuracy)) line += fmt::format("  accuracy {:.4f}", state.score.accuracy);
    if (state.rate > 0 && counted) {
        const auto left = static_cast<double>(state.batches - state.batch);
        const double later =
            static_cast<double>(state.epochs - state.epoch) * static_cast<double>(state.batches);
        line += fmt::format("  {} left, {} in all", duration(left / state.rate),
                            duration((left + later) / state.rate));
    }
    return line;
}

Callback progress() {
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    const auto line = std::make_shared<Line>();
    Callback callback{.on_begin = [line](Run& run) { line->start(run); },
                      .on_epoch =
                          [line, terminal](Run& run) {
                              print(fmt::format("{}{}\n", terminal ? clear_line : "",
                                                to_string(run.history.last(), run.epochs)));
                              line->start(run);
                          },
                      .on_end =
                          [](Run& run) {
                              const std::string& end = run.history.end;
                              if (!end.empty()) print(fmt::format("training ended early: {}\n", end));
                          }};
    if (terminal) callback.on_batch = [line](Run& run) { line->draw(run); };
    return callback;
}

}  // namespace adjoint::train
