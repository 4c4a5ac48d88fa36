// The per-thread generator state.
#include <adjoint/core/contract/generator.h>

#include <unistd.h>

#include <atomic>

namespace adjoint {
namespace {

constinit thread_local GeneratorState generator;
constinit thread_local bool has_seed = false;

// Far from the small numbers that programs give as seeds.
std::uint64_t seed_of_a_thread() noexcept {
    static std::atomic<std::uint64_t> threads{0};
    if (::gettid() == ::getpid()) return 0;
    return (threads.fetch_add(1) + 1) * 0x9E3779B97F4A7C15;
}

GeneratorState& own_generator() noexcept {
    if (!has_seed) [[unlikely]]
        set_generator_state({seed_of_a_thread(), 0});
    return generator;
}

}  // namespace

void manual_seed(std::uint64_t seed) { set_generator_state({seed, 0}); }
GeneratorState generator_state() noexcept { return own_generator(); }
void set_generator_state(GeneratorState other) noexcept {
    generator = other;
    has_seed = true;
}
GeneratorState next_stream() noexcept {
    GeneratorState& state = own_generator();
    const GeneratorState now = state;
    ++state.stream;
    return now;
}

}  // namespace adjoint
