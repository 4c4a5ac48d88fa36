// What a training step launches on a CUDA device, without one: each launch with its grid, the bytes and the
// arithmetic of its call, and the time that a model of an H200 gives it.
//
//     bench/launches [--csv] [WORK [captured|eager]]
//
// The model: a boundary between two launches takes 1.3 us in a graph and 3 us from the host; behind it memory
// gives 4.3 TB/s and arithmetic 67 TFLOP/s, of which a launch with fewer blocks than multiprocessors has its
// share. `critical` is the longest chain of launches that wait for one another's memory.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <cuda_emulation/launch_count.h>

namespace {

using namespace adjoint;

struct Line {
    std::string work;
    LaunchMode mode;
    std::vector<CountedLaunch> launches;

    const char* mode_name() const { return mode == LaunchMode::captured ? "captured" : "eager"; }
    double boundary() const { return mode == LaunchMode::captured ? graph_boundary : host_boundary; }
    double bytes() const {
        double sum = 0;
        for (const CountedLaunch& launch : launches) sum += launch.bytes;
        return sum;
    }
};

void print_launches(const Line& line) {
    std::printf("%s, %s\n", line.work.c_str(), line.mode_name());
    std::printf("  %-26s %-22s %14s %6s %12s %12s %8s\n", "launch", "of", "grid", "block", "bytes",
                "operations", "us");
    for (const CountedLaunch& launch : line.launches) {
        char grid[40];
        std::snprintf(grid, sizeof grid, "%u x %u x %u", launch.grid.x, launch.grid.y, launch.grid.z);
        std::printf("  %-26s %-22s %14s %6u %12.0f %12.0f %8.2f\n", launch.op.c_str(), launch.call.c_str(),
                    grid, launch.block.x, launch.bytes, launch.operations, line.boundary() + launch.work());
    }
}

}  // namespace

int main(int argc, char** argv) {
    bool csv = false;
    std::vector<std::string_view> words;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--csv")
            csv = true;
        else
            words.emplace_back(argv[i]);
    }
    std::vector<Line> lines;
    for (const std::string& work : counted_works())
        for (const LaunchMode mode : {LaunchMode::captured, LaunchMode::eager}) {
            Line line{work, mode, {}};
            if (!words.empty() && words[0] != work) continue;
            if (words.size() > 1 && words[1] != line.mode_name()) continue;
            line.launches = count_launches(work, mode);
            lines.push_back(std::move(line));
        }
    if (lines.empty()) {
        std::fputs("usage: launches [--csv] [WORK [captured|eager]], WORK one of", stderr);
        for (const std::string& work : counted_works()) std::fprintf(stderr, " %s", work.c_str());
        std::fputs("\n", stderr);
        return 2;
    }
    if (csv) {
        std::puts("work,mode,launches,bytes,microseconds");
        for (const Line& line : lines)
            std::printf("%s,%s,%zu,%.0f,%.2f\n", line.work.c_str(), line.mode_name(), line.launches.size(),
                        line.bytes(), serial_time(line.launches, line.boundary()));
        return 0;
    }
    if (!words.empty())
        for (const Line& line : lines) print_launches(line);
    std::printf("%-16s %-9s %9s %14s %10s %12s\n", "work", "mode", "launches", "bytes", "us", "critical us");
    for (const Line& line : lines)
        std::printf("%-16s %-9s %9zu %14.0f %10.1f %12.1f\n", line.work.c_str(), line.mode_name(),
                    line.launches.size(), line.bytes(), serial_time(line.launches, line.boundary()),
                    critical_time(line.launches, line.boundary()));
    return 0;
}
