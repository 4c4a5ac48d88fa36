// The per-thread generator state.
#include <adjoint/core/contract/generator.h>

namespace adjoint {
namespace {
thread_local GeneratorState state;
}

void manual_seed(std::uint64_t seed) { state = {seed, 0}; }
GeneratorState generator_state() noexcept { return state; }
void set_generator_state(GeneratorState other) noexcept { state = other; }
GeneratorState next_stream() noexcept {
    const GeneratorState now = state;
    ++state.stream;
    return now;
}

}  // namespace adjoint
