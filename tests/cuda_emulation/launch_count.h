// What a training step launches on a CUDA device, counted without one: the kernels' host side runs, the
// kernels do not, and NVIDIA's libraries are taken to have one launch for a product or convolution.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <adjoint/core/capture/effects.h>

#include "emulator.h"

namespace adjoint {

/// One launch, the call that made it, and what a model says of its time.
struct CountedLaunch {
    std::string op;    // who launches
    std::string call;  // the innermost call of the contract that it is part of
    emulator::dim3 grid, block;
    bool by_library = false;
    double bytes = 0;  // that the call reads and writes
    double operations = 0;
    Effects effects;

    /// Microseconds on the card behind the boundary to what was launched before.
    double work() const;
};

/// What it costs to begin a launch in a graph, and one from the host, in microseconds.
inline constexpr double graph_boundary = 1.3, host_boundary = 3;

enum class LaunchMode { captured, eager };

/// The names of the works that are counted, and the launches of a step of one of them.
const std::vector<std::string>& counted_works();
std::vector<CountedLaunch> count_launches(const std::string& work, LaunchMode mode);

/// The time of all in a row, and of the longest chain of those that wait for another's memory.
double serial_time(const std::vector<CountedLaunch>& launches, double boundary);
double critical_time(const std::vector<CountedLaunch>& launches, double boundary);

}  // namespace adjoint
