// What every benchmark here shares: the clock, the median, and the line that scripts/bench reads.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace bench {

/// Wall time; with BENCH_CPU_TIME in the environment that of the processors, which on one thread is the
/// same but for what others on the machine take.
inline double seconds() {
    static const bool of_processors = std::getenv("BENCH_CPU_TIME") != nullptr;
    timespec now{};
    clock_gettime(of_processors ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Seconds of run(), `rounds` times after one that warms up.
template <class Run> std::vector<double> times(int rounds, Run run) {
    run();
    std::vector<double> all;
    for (int r = 0; r < rounds; ++r) {
        const double start = seconds();
        run();
        all.push_back(seconds() - start);
    }
    return all;
}

/// The median of them, and the least, which a machine that others use disturbs less.
template <class Run> double time(int rounds, Run run) { return median(times(rounds, run)); }
template <class Run> double least_time(int rounds, Run run) {
    const std::vector<double> all = times(rounds, run);
    return *std::min_element(all.begin(), all.end());
}

/// One figure: which row of docs/benchmarks.md, whose, on how many threads.
inline void report(const char* row, const char* who, int threads, double value, const char* unit) {
    std::printf("%s %s %d %.6g %s\n", row, who, threads, value, unit);
    std::fflush(stdout);
}

}  // namespace bench
