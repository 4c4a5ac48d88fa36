// The state of the random generator: a seed and the number of the next stream.
//
// Every random operation takes one stream; its element i is a function of (seed, stream, i) alone. So the
// numbers depend neither on the device nor on the number of threads, and a saved state resumes exactly.
//
// Every thread of a program has a generator of its own. Without a seed that of the main thread has the seed
// 0, and each other one a seed that no other thread has, by the order in which they first draw: a thread
// whose numbers are to be the same in each run calls manual_seed().
#pragma once

#include <cstdint>

#include <adjoint/core/base/export.h>

namespace adjoint {

/// Where the random numbers stand.
struct GeneratorState {
    std::uint64_t seed = 0;
    std::uint64_t stream = 0;
    bool operator==(const GeneratorState&) const = default;
};

/// Starts the calling thread's generator anew.
ADJOINT_API void manual_seed(std::uint64_t seed);
ADJOINT_API GeneratorState generator_state() noexcept;
ADJOINT_API void set_generator_state(GeneratorState state) noexcept;
/// The state for one random operation; the next call gives another stream.
ADJOINT_API GeneratorState next_stream() noexcept;

/// While it lives, the calling thread draws from `state` on; afterwards it goes on where it stood before.
class GeneratorScope {
  public:
    explicit GeneratorScope(GeneratorState state) noexcept : before_(generator_state()) {
        set_generator_state(state);
    }
    ~GeneratorScope() { set_generator_state(before_); }
    GeneratorScope(const GeneratorScope&) = delete;
    GeneratorScope& operator=(const GeneratorScope&) = delete;

  private:
    const GeneratorState before_;
};

}  // namespace adjoint
