// Where the time and the memory of a step go: by operation and layer, measured.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <adjoint/core/base/export.h>

namespace adjoint {

struct ProfileOptions {
    int warmup = 2;  ///< steps before: they make optimizer states and fill caches
    int steps = 20;  ///< steps that are measured, as many without the profile as with it
};

/// Where time of a step went; all figures are of one step.
struct ProfileRow {
    std::string operation;  ///< "linear", "conv2d backward"; of a replayed step its calls: "matmul relu"
    std::string layer;      ///< "features.0 (Conv2d)", "" outside of all
    double calls = 0;
    double seconds = 0;
    double bytes = 0;  ///< read and written, each operand once; 0 where there is no call of a device
    double flops = 0;  ///< of products; 0 of anything else
};

/// A stretch of a step in which one layer took and gave back memory of tensors.
struct ProfileMemory {
    std::string phase;       ///< "forward", "backward", "optimizer" or "after" them
    std::string layer;       ///< "" outside of all
    std::int64_t taken = 0;  ///< bytes
    std::int64_t given_back = 0;
    std::int64_t live = 0;     ///< at its end, over the least that there was in the step
    std::int64_t highest = 0;  ///< within it
};

/// What profile() found. Prints as a table of operations, one of layers, and the course of the memory.
struct Profile {
    double step_seconds = 0;            ///< a step without the profile
    double profiled_seconds = 0;        ///< a step with it, by the clock around it
    double unaccounted_seconds = 0;     ///< what the rows leave of that: the watch's own beginning and end
    std::vector<ProfileRow> rows;       ///< the longest first; what is no operation stands in parentheses
    std::vector<ProfileMemory> memory;  ///< in their order; of a replay nothing, its memory is its own
    std::string trace;                  ///< of the steps with it, for ui.perfetto.dev and chrome://tracing
};

/// Runs `step` as often as the options say, every second time with a watch on each layer, operation, backward
/// pass and call of a device, which is waited for. Of each kind of step the faster half counts, so that
/// other work on the machine hardly does. It sees what this thread does; a captured step is seen call by
/// call where calls are done when they return, as on the CPU, and as one replay on CUDA.
/// errors: ValueError for an empty function or less than one step; whatever the step throws.
///
///     std::cout << profile([&] { loss = train_step(); });
ADJOINT_API Profile profile(const std::function<void()>& step, const ProfileOptions& options = {});

/// The tables that are printed.
ADJOINT_API std::string to_string(const Profile& profile);
inline std::ostream& operator<<(std::ostream& out, const Profile& profile) {
    return out << to_string(profile);
}

}  // namespace adjoint
